"""Somebody else who may log in holds the lock that keeps rows single."""

import psycopg2
import pytest

from common.postgres import DatabaseError
from posture.store.posture_log import _LOCK
from tests.posture.store.test_posture_log import ROW, in_time, names, table_of


def test_a_lock_that_a_stranger_holds_is_told_in_time_and_nothing_is_lost(postgres):
    """A role without any right on the table may take an advisory lock."""
    postgres.execute("DROP ROLE IF EXISTS stranger")
    postgres.execute("CREATE ROLE stranger LOGIN PASSWORD 'stranger'")
    environ = postgres.environ
    stranger = psycopg2.connect(
        host=environ["SUPABASE_HOST"],
        port=environ["SUPABASE_PORT"],
        dbname=environ["SUPABASE_DB"],
        user="stranger",
        password="stranger",
    )
    try:
        with stranger.cursor() as cursor, table_of(postgres) as table:
            cursor.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
            with in_time(), pytest.raises(DatabaseError, match=r"timeout|in time"):
                table.write([ROW])
            assert names(postgres) == []
            cursor.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))
            stranger.commit()
            table.write([ROW])
            assert names(postgres) == [ROW.filename]
    finally:
        stranger.close()
        postgres.execute("DROP ROLE stranger")
