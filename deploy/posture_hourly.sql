-- Each hour of each camera, for charts and other programs: a view, so nothing is stored.
-- Run as the owner of the table, after deploy/posture_log.sql; PostgreSQL 15 or later.
-- Running this again changes nothing.
--
-- hour is UTC. A minute is judged if a picture of it has a verdict, and leans if most of
-- those do, as on the page's week and for nudges. unclear_pictures have somebody in them
-- who could not be judged; in empty_pictures nobody was found.
CREATE OR REPLACE VIEW posture_hourly
-- Whoever asks sees the rows that are theirs to see (deploy/supabase_rls.sql).
WITH (security_invoker = true) AS
SELECT
    pi_id,
    date_trunc('hour', minute) AS hour,
    count(*) FILTER (WHERE good + bad > 0) AS judged_minutes,
    count(*) FILTER (WHERE bad > good) AS leaning_minutes,
    sum(good + bad)::bigint AS judged_pictures,
    sum(unclear)::bigint AS unclear_pictures,
    sum(empty)::bigint AS empty_pictures
FROM (
    SELECT
        pi_id,
        date_trunc('minute', received_time) AS minute,
        count(*) FILTER (WHERE posture_status = 'Good') AS good,
        count(*) FILTER (WHERE posture_status = 'Bad') AS bad,
        count(*) FILTER (WHERE posture_status = 'Partial_Landmarks_Detected') AS unclear,
        count(*) FILTER (WHERE posture_status = 'No_Landmarks_Detected') AS empty
    FROM posture_log
    WHERE pi_id IS NOT NULL AND received_time IS NOT NULL
    GROUP BY pi_id, date_trunc('minute', received_time)
) AS minutes
GROUP BY pi_id, date_trunc('hour', minute);
