-- A role for the worker that can add rows to posture_log and do nothing else: what leaks
-- with its password is at most the names of files. Run as the owner of the table (in
-- Supabase: the SQL editor), after deploy/posture_log.sql. Running this again changes
-- nothing. Then give the role a password that is in no file:
--
--     ALTER ROLE posture_worker PASSWORD '...';
--
-- and set SUPABASE_USER=posture_worker (over Supabase's pooler:
-- posture_worker.<project reference>).
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'posture_worker') THEN
        CREATE ROLE posture_worker LOGIN;
    END IF;
END
$$;

-- Supabase's own roles, which its public API uses, may do everything by default.
DO $$
DECLARE
    api_role TEXT;
BEGIN
    FOREACH api_role IN ARRAY ARRAY['anon', 'authenticated'] LOOP
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = api_role) THEN
            EXECUTE format('REVOKE ALL ON posture_log FROM %I', api_role);
            EXECUTE format('REVOKE ALL ON posture_log_id_seq FROM %I', api_role);
        END IF;
    END LOOP;
END
$$;

ALTER TABLE posture_log ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA public TO posture_worker;
GRANT INSERT ON posture_log TO posture_worker;
GRANT USAGE ON SEQUENCE posture_log_id_seq TO posture_worker;
-- The worker looks whether a picture's row is there before it writes it.
GRANT SELECT (id, filename) ON posture_log TO posture_worker;

DROP POLICY IF EXISTS posture_worker_adds ON posture_log;
CREATE POLICY posture_worker_adds ON posture_log
    FOR INSERT TO posture_worker WITH CHECK (true);
DROP POLICY IF EXISTS posture_worker_looks ON posture_log;
CREATE POLICY posture_worker_looks ON posture_log
    FOR SELECT TO posture_worker USING (true);
