-- The table of results. Running this again changes nothing.
--
-- received_time and analyzed_time are UTC: when the worker received the message, and
-- when its analysis was done. neck_angle and body_angle are whole degrees from the
-- vertical, NULL where they could not be measured; landmarks_detected is true exactly
-- when they were. processed_by is the Kubernetes node (or the host) of the worker.
CREATE TABLE IF NOT EXISTS posture_log (
    id SERIAL PRIMARY KEY,
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
