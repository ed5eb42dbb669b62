"""What Supabase and PostgreSQL say before there is a connection, and what to do."""

import pytest

from common.postgres_words import remedy

POOLER = "aws-0-eu-central-1.pooler.supabase.com"
OWN = "db.abc.supabase.co"


@pytest.mark.parametrize(
    ("host", "said", "words"),
    [
        (POOLER, "FATAL:  Tenant or user not found", "<user>.<project reference>"),
        (
            POOLER,
            "FATAL: (ENOTFOUND) tenant/user postgres.abc not found",
            "<user>.<project reference>",
        ),
        (
            POOLER,
            "FATAL: no tenant identifier provided (external_id or sni_hostname)",
            "<user>.<project reference>",
        ),
        (
            OWN,
            f'connection to server at "{OWN}" (2a05:d018::1), port 5432 failed: '
            "Network is unreachable",
            "IPv6 address only",
        ),
        (
            OWN,
            f'could not translate host name "{OWN}" to address: No address '
            "associated with hostname",
            "IPv6 address only",
        ),
        (
            POOLER,
            "FATAL: (EMAXCONNSESSION) max clients reached in session mode",
            "SUPABASE_PORT=6543",
        ),
        (
            POOLER,
            "FATAL: (ECIRCUITBREAKER) Too many authentication errors",
            "check SUPABASE_USER and SUPABASE_PASSWORD",
        ),
        ("db", 'FATAL:  database "x" does not exist', "check SUPABASE_DB"),
        ("db", "no pg_hba.conf entry for host, no encryption", "SUPABASE_SSL=require"),
        ("db", "SSL error: certificate verify failed", "SUPABASE_CA_FILE"),
        ("db", "Network is unreachable", ""),
    ],
)
def test_what_is_said_has_its_own_remedy(host, said, words):
    found = remedy(said, "", host)
    assert words in found
    assert bool(words) == bool(found)


def test_what_a_statement_says_is_not_taken_for_a_missing_database():
    said = "operator does not exist: uuid > bigint"
    assert "SUPABASE_DB" not in remedy(said, "42883", "db")
