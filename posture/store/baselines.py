"""Personal baselines in the table `posture_baseline`, which need not be there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from common.errors import OperatorError
from common.postgres import DatabaseError
from posture.store.kept_files import Period
from posture.vision.baseline import Baseline

Ask = Callable[..., list[tuple[Any, ...]]]

SCRIPT = "deploy/posture_baseline.sql"
_MAY = "SELECT has_table_privilege(to_regclass('posture_baseline'), %s)"
_MAY_FORGET = (
    "SELECT has_table_privilege(there, 'DELETE') AND bool_and(has_column_privilege("
    "there, name, 'SELECT')) FROM to_regclass('posture_baseline') AS there, "
    "unnest(ARRAY['pi_id', 'calibrated_time']) AS name GROUP BY there"
)
_SAVE = """
INSERT INTO posture_baseline (pi_id, neck, body, pictures, calibrated_time)
VALUES (%s, %s, %s, %s, now() AT TIME ZONE 'UTC')
ON CONFLICT (pi_id) DO UPDATE SET neck = excluded.neck, body = excluded.body,
    pictures = excluded.pictures, calibrated_time = excluded.calibrated_time
RETURNING pi_id"""
_THEN = "pi_id = %s AND calibrated_time >= %s AND calibrated_time < %s"


class NoRightsError(OperatorError):
    """There is a table of baselines, and this user may not do this with it."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"this user may not {what} posture_baseline: run {SCRIPT} again as the "
            "owner of the table, or take its user (SUPABASE_USER)"
        )


@dataclass(frozen=True)
class Calibrated:
    """A baseline, how many pictures it is from, and when (UTC, without a zone)."""

    baseline: Baseline
    pictures: int
    time: datetime


def all_baselines(ask: Ask) -> Mapping[str, Baseline]:
    """Each calibrated camera's; none where there is no such table.

    Raises:
        NoRightsError: this user may not read it.
        DatabaseError: the database is away.
    """
    if not _may(ask, "SELECT", "read"):
        return {}
    found = ask("SELECT pi_id, neck, body FROM posture_baseline")
    return {pi: Baseline(neck, body) for pi, neck, body in found}


def baseline_of_camera(ask: Ask, pi: str) -> Calibrated | None:
    """A camera's baseline, if it has one.

    Raises:
        NoRightsError: this user may not read the table.
        OperatorError: the database is away.
    """
    if not _may(ask, "SELECT", "read"):
        return None
    found = ask(
        "SELECT neck, body, pictures, calibrated_time FROM posture_baseline "
        "WHERE pi_id = %s",
        pi,
    )
    for neck, body, pictures, time in found:
        return Calibrated(Baseline(neck, body), pictures, time)
    return None


def any_of(ask: Ask, pi: str) -> bool:
    """Whether the camera has a baseline, as far as this user may know."""
    ((may,),) = ask(_MAY_FORGET)
    return bool(may and ask("SELECT 1 FROM posture_baseline WHERE pi_id = %s", pi))


def check_may_save(ask: Ask) -> None:
    """Make sure that a baseline can be kept.

    Raises:
        OperatorError: there is no table, or this user may not write it.
    """
    for right in ("SELECT", "INSERT", "UPDATE", "DELETE"):
        if not _may(ask, right, "write"):
            raise OperatorError(
                f"there is no table posture_baseline: run {SCRIPT} as the owner of "
                "posture_log first"
            )


def save(ask: Ask, pi: str, baseline: Baseline, pictures: int) -> None:
    """Keep a camera's baseline, in the place of the one that it had.

    Raises:
        DatabaseError: it is not kept.
    """
    if not ask(_SAVE, pi, *baseline, pictures):
        raise DatabaseError("posture_baseline takes a row and does not have it")


def delete(ask: Ask, pi: str) -> bool:
    """Delete a camera's baseline; False where it had none.

    Raises:
        DatabaseError: it is there still.
    """
    return bool(
        ask("DELETE FROM posture_baseline WHERE pi_id = %s RETURNING pi_id", pi)
    )


def forget(ask: Ask, pi: str, period: Period, *, dry_run: bool) -> int:
    """Delete a camera's baseline if it is of that time; gives how many, 0 or 1.

    Raises:
        NoRightsError: there is a table of them, and this user may not delete from it.
        DatabaseError: the database is away.
    """
    ((may,),) = ask(_MAY_FORGET)
    if may is False:
        raise NoRightsError("delete from")
    if not may:
        return 0
    times = [_plain(each) for each in (period.since, period.until)]
    if dry_run:
        return len(ask(f"SELECT 1 FROM posture_baseline WHERE {_THEN}", pi, *times))  # noqa: S608
    deleted = ask(
        f"DELETE FROM posture_baseline WHERE {_THEN} RETURNING pi_id",  # noqa: S608
        *(pi, *times),
    )
    return len(deleted)


def _may(ask: Ask, right: str, what: str) -> bool:
    """Whether this user has a right; False where there is no such table.

    Raises:
        NoRightsError: there is one, and he has not.
    """
    ((may,),) = ask(_MAY, right)
    if may is False:
        raise NoRightsError(what)
    return bool(may)


def _plain(moment: datetime) -> datetime:
    """As the table has it: UTC, without a zone."""
    return moment.astimezone(UTC).replace(tzinfo=None)
