-- A role for the live page that can read posture_log and change nothing. Run as the owner
-- of the table, after deploy/posture_log.sql. Running this again changes nothing. Then
-- give the role a password that is in no file:
--
--     ALTER ROLE posture_page PASSWORD '...';
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'posture_page') THEN
        CREATE ROLE posture_page LOGIN;
    END IF;
END
$$;

GRANT USAGE ON SCHEMA public TO posture_page;
GRANT SELECT ON posture_log TO posture_page;

-- Counts where row-level security is on (deploy/supabase_rls.sql).
DROP POLICY IF EXISTS posture_page_reads ON posture_log;
CREATE POLICY posture_page_reads ON posture_log
    FOR SELECT TO posture_page USING (true);
