-- A role for charts, notebooks and other programs: it reads posture_log and
-- posture_hourly, and can change nothing. It sees how everybody sat: give it to whoever
-- may know that. Run as the owner of the table, after deploy/posture_hourly.sql. Running
-- this again changes nothing. Then give the role a password that is in no file:
--
--     ALTER ROLE posture_reader PASSWORD '...';
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'posture_reader') THEN
        CREATE ROLE posture_reader LOGIN;
    END IF;
END
$$;

GRANT USAGE ON SCHEMA public TO posture_reader;
GRANT SELECT ON posture_log, posture_hourly TO posture_reader;

-- Counts where row-level security is on (deploy/supabase_rls.sql).
DROP POLICY IF EXISTS posture_reader_reads ON posture_log;
CREATE POLICY posture_reader_reads ON posture_log
    FOR SELECT TO posture_reader USING (true);
