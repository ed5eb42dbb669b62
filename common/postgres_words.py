"""What to do about what PostgreSQL, or Supabase's pooler before it, says."""

_TYPES = "a column is not of the documented type: see deploy/posture_log.sql"
_POOLER_USER = (
    "over Supabase's pooler SUPABASE_USER is <user>.<project reference>, and "
    "SUPABASE_HOST the pooler of the project's own region: copy both from Connect; a "
    "project that is paused is not found either"
)

SET_NUMBERS = (
    "SELECT setval(pg_get_serial_sequence('posture_log', 'id'), max(id)) "
    "FROM posture_log"
)
REMEDIES = {
    "42P01": "create the table: deploy/posture_log.sql",
    "42703": "the table lacks a documented column: see deploy/posture_log.sql",
    "42804": _TYPES,
    "42883": _TYPES,
    "42501": "grant INSERT and SELECT on posture_log, and USAGE on posture_log_id_seq; "
    "row-level security needs a policy for each of the two; or run "
    "deploy/supabase_rls.sql",
    "22001": "a column of posture_log is shorter than documented: see "
    "deploy/posture_log.sql",
    "23502": "a column beyond the documented ones needs a default",
    "23505": f"ids of rows are given again; run {SET_NUMBERS}",
    "2200H": "the ids are at their end: deploy/posture_log_bigint.sql",
    "25006": "the database is read-only for now",
    "53100": "the database's disk is full",
    "53300": "no connection is left: raise max_connections, or use a pooler",
}
_NO_PARTITION = "create the partition for rows of now"

# Said before there is a connection, so without a code; the first that fits counts.
_WORDS = {
    "max clients reached": "Supabase's session pooler has no connection left: set "
    "SUPABASE_PORT=6543, where they are shared",
    "enant or user not found": _POOLER_USER,
    "tenant/user": _POOLER_USER,
    "no tenant identifier": _POOLER_USER,
    "oo many authentication errors": "check SUPABASE_USER and SUPABASE_PASSWORD, then "
    "wait some minutes: the pooler turns everybody away until then",
    "authentication failed": "check SUPABASE_USER and SUPABASE_PASSWORD",
    "could not translate host name": "check SUPABASE_HOST",
    "server does not support SSL": "set SUPABASE_SSL=disable for a server without TLS",
    "SSL off": "set SUPABASE_SSL=require",
    "no encryption": "set SUPABASE_SSL=require",
    "certificate verify failed": "SUPABASE_CA_FILE must hold the database's own CA",
    "does not exist": "check SUPABASE_DB and SUPABASE_USER",
}
_UNREACHABLE = (
    "Network is unreachable",
    "Cannot assign requested address",
    "No address associated",
)
_ONLY_IPV6 = (
    "Supabase's own host has an IPv6 address only, and this machine has no IPv6: set "
    "SUPABASE_HOST and SUPABASE_USER to those of the pooler, from Connect"
)


def remedy(said: str, code: str, host: str) -> str:
    """What to do about an error, or nothing.

    `code` is its SQLSTATE, if it has one; `host` the database's.
    """
    if code == "23514" and "no partition" in said:
        return _NO_PARTITION
    if code:
        return REMEDIES.get(code, "")
    if host.endswith(".supabase.co") and any(each in said for each in _UNREACHABLE):
        return _ONLY_IPV6
    return next((words for each, words in _WORDS.items() if each in said), "")
