-- How somebody who sits well reads at a camera: what `calibrate` keeps, and what workers
-- then judge that camera by. Optional; without it, or without a row in it, every camera has
-- the usual limits. Run as the owner of posture_log, after the files of the roles that you
-- use. Running this again changes nothing, but gives roles made since their rights.
--
-- neck and body are whole degrees from the vertical, the median of so many pictures;
-- calibrated_time is UTC.
CREATE TABLE IF NOT EXISTS posture_baseline (
    pi_id TEXT PRIMARY KEY,
    neck INTEGER NOT NULL CHECK (neck BETWEEN 0 AND 90),
    body INTEGER NOT NULL CHECK (body BETWEEN 0 AND 90),
    pictures INTEGER NOT NULL,
    calibrated_time TIMESTAMP NOT NULL
);

-- Rights decide who may do what, not rows.
ALTER TABLE posture_baseline ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS posture_baseline_by_rights ON posture_baseline;
CREATE POLICY posture_baseline_by_rights ON posture_baseline USING (true) WITH CHECK (true);

-- Another user of the worker's needs: GRANT SELECT ON posture_baseline TO that_user.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'posture_worker') THEN
        GRANT SELECT ON posture_baseline TO posture_worker;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'posture_page') THEN
        GRANT SELECT ON posture_baseline TO posture_page;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'posture_keeper') THEN
        GRANT SELECT (pi_id, calibrated_time), DELETE ON posture_baseline TO posture_keeper;
    END IF;
    -- Supabase's own roles, which its public API uses, may do everything by default.
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'anon') THEN
        REVOKE ALL ON posture_baseline FROM anon;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'authenticated') THEN
        REVOKE ALL ON posture_baseline FROM authenticated;
    END IF;
END
$$;
