"""Rows that wait at the table until they are let in."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from tests.chaos.stage import Stage


@contextmanager
def gates(stage: Stage, **patterns: str) -> Iterator[Callable[[str], None]]:
    """Rows whose pi_id is like a pattern wait until its gate is opened, by its name."""
    gates = {name: number for number, name in enumerate(patterns, start=1)}
    with closing(stage.database.connect()) as connection:
        execute = connection.cursor().execute
        execute(
            "CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN PERFORM pg_advisory_xact_lock_shared(TG_ARGV[0]::int); "
            "RETURN NEW; END'"
        )
        for name, number in gates.items():
            execute(f"SELECT pg_advisory_lock({number})")
            execute(
                f"CREATE TRIGGER gate_{name} BEFORE INSERT ON posture_log FOR EACH ROW "
                f"WHEN (NEW.pi_id LIKE '{patterns[name]}') "
                f"EXECUTE FUNCTION gate({number})"
            )
        yield lambda name: execute(f"SELECT pg_advisory_unlock({gates[name]})")
        execute("SELECT pg_advisory_unlock_all()")
        execute("DROP FUNCTION gate CASCADE")
