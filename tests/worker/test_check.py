"""The worker's command `check`."""

from tests.fixtures.worker import WorkerProcess


def test_what_a_worker_needs_is_tried_and_nothing_stays(tmp_path, broker, postgres):
    settings = broker.environ | postgres.environ
    command = WorkerProcess(tmp_path / "check", settings, "check")
    assert command.wait() == 0, command.log
    for each in ("broker: ", "database: ", "model: "):
        assert each in command.log
    assert postgres.rows() == []


def test_everything_that_is_wrong_is_named_at_once(tmp_path, broker, postgres):
    settings = broker.environ | postgres.environ
    settings |= {"SUPABASE_PASSWORD": "wrong", "SUPABASE_DB": "nowhere"}
    settings |= {"MODEL": "heavy", "MODELS_FOLDER": str(tmp_path)}
    command = WorkerProcess(tmp_path / "check", settings, "check")
    assert command.wait() == 1
    assert "nowhere" in command.log
    assert "python -m posture.models heavy" in command.log
