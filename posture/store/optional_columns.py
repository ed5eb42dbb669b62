"""Columns that the table may have besides the documented ones."""

from collections.abc import Callable
from typing import Any

TYPES = {"view": "%s", "reason": "%s", "yaw": "%s::int"}
"""Each of deploy/posture_log_reasons.sql, with how its value is written."""

_THERE = """
SELECT attname::text FROM pg_attribute
WHERE attrelid = to_regclass('posture_log') AND attname = ANY(%s)
    AND NOT attisdropped AND has_column_privilege(attrelid, attnum, %s)
    AND format_type(atttypid, NULL) = ANY(
        CASE attname WHEN 'yaw' THEN '{smallint,integer,bigint}'::text[]
        ELSE '{text,character varying}'::text[] END)"""


def found(ask: Callable[..., list[tuple[Any, ...]]], privilege: str) -> tuple[str, ...]:
    """Those that the table has, and that this user may INSERT or SELECT."""
    there = {name for (name,) in ask(_THERE, list(TYPES), privilege)}
    return tuple(name for name in TYPES if name in there)
