-- Why a picture was not judged, from where the person is seen, and the yaw in degrees (90
-- from the side, 0 from front or back): optional columns, which the worker and the live page
-- find by themselves when they are started. Run as the owner of the table. Running this again
-- changes nothing.
ALTER TABLE posture_log
    ADD COLUMN IF NOT EXISTS view TEXT,
    ADD COLUMN IF NOT EXISTS reason TEXT,
    ADD COLUMN IF NOT EXISTS yaw INTEGER;
