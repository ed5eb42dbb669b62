"""Which cameras there are rows of, for who has mistyped one."""

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any

from common.errors import OperatorError

_SHOWN = 8
# Jumps from one name to the next where there is an index; reads all rows otherwise.
_JUMPS = """
WITH RECURSIVE cameras AS (
    SELECT min(pi_id) AS pi_id FROM posture_log
    UNION ALL
    SELECT (SELECT min(pi_id) FROM posture_log WHERE pi_id > cameras.pi_id)
    FROM cameras WHERE pi_id IS NOT NULL
)
SELECT pi_id FROM cameras WHERE pi_id IS NOT NULL"""
_ALL = "SELECT DISTINCT pi_id FROM posture_log WHERE pi_id IS NOT NULL"

Ask = Callable[..., list[tuple[Any, ...]]]


class UnknownCameraError(OperatorError):
    """Nothing is kept of this camera; says which ones there are."""

    exit_code = 2

    def __init__(self, pi: str, known: Iterable[str]) -> None:
        super().__init__(f"nothing is kept of a camera {pi!r}{_nearest(pi, known)}")


def cameras_with_rows(ask: Ask) -> list[str]:
    """All cameras that have a row.

    Raises:
        OperatorError: the database is away.
    """
    indexed = ask("SELECT to_regclass('posture_log_by_pi')")[0][0]
    return [name for (name,) in ask(_JUMPS if indexed else _ALL)]


def has_row(ask: Ask, pi: str) -> bool:
    """Whether the camera has a row."""
    return bool(ask("SELECT 1 FROM posture_log WHERE pi_id = %s LIMIT 1", pi))


def check_camera(ask: Ask, pi: str) -> None:
    """Make sure that the camera has a row.

    Raises:
        UnknownCameraError: it has none.
    """
    if not has_row(ask, pi):
        raise UnknownCameraError(pi, cameras_with_rows(ask))


def _nearest(pi: str, known: Iterable[str]) -> str:
    names = sorted(known)
    if not names:
        return "; there is none at all"
    if near := get_close_matches(pi, names, 3):
        return f"; did you mean {' or '.join(near)}?"
    more = " and others" if len(names) > _SHOWN else ""
    return f"; there are {', '.join(names[:_SHOWN])}{more}"
