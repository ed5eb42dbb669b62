-- A role for retention.py, which may find and delete rows of posture_log and nothing
-- else: it sees which camera sent when, but not how anybody sat. Run as the owner of the
-- table, after deploy/posture_log.sql. Running this again changes nothing. Then give the
-- role a password that is in no file:
--
--     ALTER ROLE posture_keeper PASSWORD '...';
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'posture_keeper') THEN
        CREATE ROLE posture_keeper LOGIN;
    END IF;
END
$$;

GRANT USAGE ON SCHEMA public TO posture_keeper;
GRANT DELETE ON posture_log TO posture_keeper;
GRANT SELECT (id, pi_id, filename, received_time) ON posture_log TO posture_keeper;

-- These matter once row-level security is on (deploy/supabase_rls.sql).
DROP POLICY IF EXISTS posture_keeper_looks ON posture_log;
CREATE POLICY posture_keeper_looks ON posture_log
    FOR SELECT TO posture_keeper USING (true);
DROP POLICY IF EXISTS posture_keeper_deletes ON posture_log;
CREATE POLICY posture_keeper_deletes ON posture_log
    FOR DELETE TO posture_keeper USING (true);
