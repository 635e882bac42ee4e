-- Two clocks: last_at says when the last event of a detached month was recorded, this one when the
-- last of it had happened, usage aside. As of an instant before that the month would be needed.
ALTER TABLE detached_month ADD COLUMN happened_at timestamptz NOT NULL DEFAULT clock_timestamp();
