"""What the tests of placement share."""

import pytest

from tests.fixtures.watched import Watched


@pytest.fixture
def watched(prometheus, exporters):
    made = Watched(prometheus, exporters)
    yield made
    made.door.close()
