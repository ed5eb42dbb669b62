"""A picture that a camera publishes retained is one picture, at however many starts."""

import pytest

from tests.fixtures.worker import ForkedWorker
from tests.worker.conftest import GOOD, payload


@pytest.mark.parametrize("version", ["5", "3.1.1"])
@pytest.mark.parametrize("declared", [True, False], ids=["declared", "not declared"])
def test_a_retained_picture_gives_one_row(
    tmp_path, broker, postgres, wait_for_rows, version, declared
):
    environ = broker.environ | postgres.environ | {"MQTT_VERSION": version}
    if declared:
        command = ForkedWorker(tmp_path / "declare", environ, "declare")
        assert command.wait() == 0, command.log
    broker.publish("images/pi1", payload(GOOD), retain=True)
    for _ in range(3):
        flags = ("--threads", "1", "--exit-when-idle", "1")
        worker = ForkedWorker(tmp_path / "worker", environ, *flags)
        assert worker.wait(90) == 0, worker.log
        wait_for_rows(postgres, 1)
    assert len(postgres.rows()) == 1
