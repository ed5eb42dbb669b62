"""A registry that a real engine can push to, or the reason why there is none."""

import os

import pytest

from tests.fixtures.engine import Registry, lacking


@pytest.fixture(scope="session")
def registry():
    if reason := lacking():
        pytest.skip(reason)
    return Registry(os.environ["TEST_REGISTRY"])
