"""Faults of the table and of the disk: each breaks something, waits, and mends it."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.gates import gates
from tests.chaos.plan import Step
from tests.chaos.stage import Stage
from tests.fixtures.disk import mounted_image
from tests.fixtures.net import wait_until

_HANDFUL = 20  # pictures; fewer than a worker takes before the first is acknowledged


def newest_rows_lost(stage: Stage, step: Step) -> None:
    """A standby takes over that has not got the newest rows, of which nobody knows."""
    stage.cameras.pause()
    stage.wait_for_all()
    name = f"lost{time.monotonic_ns()}"
    with gates(stage, lost=f"b{name}-%") as open_gate:
        topics = stage.cameras.burst(_HANDFUL, name)
        wait_until(lambda: stage.seen(topics) == len(topics), "all are in hand", 60)
        stage.to_broker.mode = "swallow"  # so that no acknowledgement gets through
        open_gate("lost")
        wait_until(lambda: stage.count(topics) == len(topics), "all are written", 60)
    stage.database.execute(f"DELETE FROM posture_log WHERE pi_id LIKE 'b{name}-%'")  # noqa: S608
    if step.kill_too:
        stage.restart(step.victim)
        stage.also_killed = True
    stage.to_broker.mode = "pass"
    stage.to_broker.cut()
    stage.cameras.resume()


def ids_given_again(stage: Stage, step: Step) -> None:
    """The sequence is behind the table, as after a restore."""
    with _changed(
        stage,
        "SELECT setval('posture_log_id_seq', greatest(1, max(id) - 100000)) "
        "FROM posture_log",
        "SELECT setval('posture_log_id_seq', max(id)) FROM posture_log",
    ):
        time.sleep(step.hold)


def rows_of_now_refused(stage: Stage, step: Step) -> None:
    """What a missing partition does to a table that has them."""
    with _changed(
        stage,
        "ALTER TABLE posture_log ADD CONSTRAINT past CHECK "
        "(received_time < '2020-01-01') NOT VALID",
        "ALTER TABLE posture_log DROP CONSTRAINT past",
    ):
        time.sleep(step.hold)


def column_added(stage: Stage, step: Step) -> None:
    """Somebody adds a column that must have a value."""
    with _changed(
        stage,
        "ALTER TABLE posture_log ADD site TEXT NOT NULL DEFAULT ''; "
        "ALTER TABLE posture_log ALTER site DROP DEFAULT",
        "ALTER TABLE posture_log DROP site",
    ):
        time.sleep(step.hold)


def rows_hidden(stage: Stage, step: Step) -> None:
    """Row-level security with a policy for INSERT alone."""
    with _changed(
        stage,
        "CREATE POLICY adds ON posture_log FOR INSERT TO analyzer WITH CHECK (true); "
        "ALTER TABLE posture_log ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE posture_log DISABLE ROW LEVEL SECURITY; "
        "DROP POLICY adds ON posture_log",
    ):
        time.sleep(step.hold)


def other_isolation(stage: Stage, step: Step) -> None:
    """Transactions are repeatable reads by default, while workers are killed."""
    with _changed(
        stage,
        "ALTER ROLE analyzer SET default_transaction_isolation = 'repeatable read'",
        "ALTER ROLE analyzer RESET default_transaction_isolation",
    ):
        stage.pooler.stop()
        stage.pooler.start()
        time.sleep(step.hold / 2)
        stage.restart(step.victim)
        time.sleep(step.hold / 2)


def far_ids(stage: Stage, step: Step) -> None:
    """A row with an id far above all others, and workers that are killed."""
    with _changed(
        stage,
        "INSERT INTO posture_log (id, pi_id, filename) VALUES (2000000000, '', 'far')",
        "DELETE FROM posture_log WHERE id = 2000000000",
    ):
        time.sleep(step.hold / 2)
        stage.restart(step.victim)
        time.sleep(step.hold / 2)


def one_folder_blocked(stage: Stage, step: Step) -> None:
    """A file lies where one camera's folder should be; the others go on."""
    name = f"folder{time.monotonic_ns()}"
    # Which number it gets depends on which worker's it is.
    blocks = [
        stage.pictures / f"analyzed_images_from_b{name}-{n}" for n in range(1, 100)
    ]
    for block in blocks:
        block.touch()
    topics = stage.cameras.burst(1, name, number=1)
    wait_until(lambda: stage.seen(topics) == 1, "it is in hand", 60)
    since = stage.last_id()
    wait_until(lambda: stage.last_id() > since, "others are written", 60)
    for block in blocks:
        block.unlink()  # long before pictures are refused for it


def power_cut(stage: Stage, step: Step) -> None:
    """What is on the disk at this moment has the file of each row that there is."""
    time.sleep(step.hold)
    copy = stage.folder / "after-the-cut"
    # They stand still, for a copy takes longer than a cut.
    for worker in stage.fleet:
        worker.signal(signal.SIGSTOP)
    rows = stage.database.rows()
    subprocess.run(
        ["cp", "--sparse=always", str(stage.disks.image), str(copy)], check=True
    )
    for worker in stage.fleet:
        worker.signal(signal.SIGCONT)
    with mounted_image(copy, stage.folder / "cut") as disk:
        missing = [row["filename"] for row in rows if not _whole(stage, disk, row)]
    copy.unlink()
    assert not missing, f"rows without a file after a power cut: {missing}"


def _whole(stage: Stage, disk: Path, row: dict[str, object]) -> bool:
    name = Path(f"analyzed_images_from_{row['pi_id']}") / str(row["filename"])
    file = disk / name
    return file.is_file() and file.read_bytes() == (stage.pictures / name).read_bytes()


@contextmanager
def _changed(stage: Stage, change: str, back: str) -> Iterator[None]:
    stage.database.execute(change)
    try:
        yield
    finally:
        stage.database.execute(back)


TABLE_FAULTS = (
    newest_rows_lost,
    ids_given_again,
    rows_of_now_refused,
    column_added,
    rows_hidden,
    other_isolation,
    far_ids,
    one_folder_blocked,
    power_cut,
)
