-- Indexes for the live page on large tables: optional, and nothing else needs them. Running this
-- again changes nothing. On a table that is written to, build each index by itself with
-- CREATE INDEX CONCURRENTLY, which does not hold up the workers.

-- A camera's day, the table filtered by camera, and the newest row of each camera.
CREATE INDEX IF NOT EXISTS posture_log_by_pi
    ON posture_log (pi_id, received_time, id)
    INCLUDE (posture_status, neck_angle, body_angle);  -- a day is read from the index alone

-- The table, all of it or from one time to another.
CREATE INDEX IF NOT EXISTS posture_log_by_time
    ON posture_log (received_time, id);

-- The table filtered by status, with a camera or without.
CREATE INDEX IF NOT EXISTS posture_log_by_status
    ON posture_log (posture_status, received_time, id);
CREATE INDEX IF NOT EXISTS posture_log_by_pi_and_status
    ON posture_log (pi_id, posture_status, received_time, id);
