-- The log: every event, in order, for ever. The columns are those of the eventsourcing library,
-- and recorded_at. Partitioned by the month a cycle begins in (the first bytes of its stream id),
-- so that old months can be detached whole. A unique index on notification_id cannot exist on
-- a partitioned table, so one sequence numbers all events and each partition has its own index.
CREATE SEQUENCE event_position;

CREATE TABLE cyclebook_events (
    originator_id      uuid        NOT NULL,
    originator_version bigint      NOT NULL,
    topic              text        NOT NULL,
    state              bytea       NOT NULL,
    notification_id    bigint      NOT NULL DEFAULT nextval('event_position'),
    recorded_at        timestamptz NOT NULL,
    PRIMARY KEY (originator_id, originator_version)
) PARTITION BY RANGE (originator_id);

-- Control events are read without usage: this index makes that independent of how much there is.
CREATE INDEX cyclebook_events_control ON cyclebook_events (originator_id, originator_version)
    WHERE NOT starts_with(topic, 'UsageRecorded@');

-- Where the server can, bodies are compressed with lz4: several times cheaper than the default.
DO $$
BEGIN
    ALTER TABLE cyclebook_events ALTER COLUMN state SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    RAISE NOTICE 'this server has no lz4; event bodies use its default compression';
END
$$;

-- A partition for streams whose id has this month (year 0, month 0: all streams but cycles).
CREATE FUNCTION ensure_event_partition(year integer, month integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    part text := format('cyclebook_events_%s_%s', lpad(year::text, 4, '0'), lpad(month::text, 2, '0'));
    first_id uuid := (lpad(to_hex(year), 4, '0') || lpad(to_hex(month), 2, '0') || repeat('0', 26))::uuid;
    next_id uuid := (lpad(to_hex(year), 4, '0') || lpad(to_hex(month + 1), 2, '0') || repeat('0', 26))::uuid;
BEGIN
    IF to_regclass(part) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('cyclebook.partition', 0));
    IF to_regclass(part) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE cyclebook_events INCLUDING DEFAULTS INCLUDING STORAGE INCLUDING COMPRESSION)', part);
    EXECUTE format('CREATE UNIQUE INDEX ON %I (notification_id)', part);
    EXECUTE format('ALTER TABLE cyclebook_events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', part, first_id, next_id);
END
$$;

SELECT ensure_event_partition(0, 0);

-- The log's clock: the last recorded_at. Advanced under the table lock, so that its order is
-- the log's order, and held until commit, so that a reader can wait for appends in flight.
CREATE TABLE log_clock (
    last timestamptz NOT NULL DEFAULT '2000-01-01 00:00:00+00'
) WITH (fillfactor = 10);
INSERT INTO log_clock DEFAULT VALUES;
