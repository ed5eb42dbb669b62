-- The table of results with ids that do not end: SERIAL's last is 2,147,483,647, which is
-- eight years of ten cameras that send once a second. Makes the table if there is none,
-- and widens the one that there is; running this again changes nothing. Widening writes
-- a large table anew and holds it locked meanwhile: stop the workers, the broker keeps
-- the pictures. Columns as in deploy/posture_log.sql.
CREATE TABLE IF NOT EXISTS posture_log (
    id BIGSERIAL PRIMARY KEY,
    pi_id TEXT,
    filename TEXT,
    received_time TIMESTAMP,
    analyzed_time TIMESTAMP,
    neck_angle INTEGER,
    body_angle INTEGER,
    posture_status TEXT,
    landmarks_detected BOOLEAN,
    processed_by TEXT
);
ALTER TABLE posture_log ALTER COLUMN id TYPE BIGINT;
ALTER SEQUENCE posture_log_id_seq AS BIGINT;
