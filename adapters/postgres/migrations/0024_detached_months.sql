-- Months whose events were taken out of the log, each into a file that was compared with it row by
-- row. Heads, keys, tallies, links and projections of their cycles stay.
CREATE TABLE detached_month (
    month          text        PRIMARY KEY CHECK (month ~ '^\d{4}-\d{2}$'),
    first_id       uuid        NOT NULL,              -- its streams: from this id
    after_id       uuid        NOT NULL,              -- to before this one
    cycles         bigint      NOT NULL,
    events         bigint      NOT NULL,
    first_position bigint      NOT NULL,
    last_position  bigint      NOT NULL,
    last_at        timestamptz NOT NULL,              -- when the last of its events was recorded
    seal           text        NOT NULL,              -- hash over the digests of its events, in order
    sha256         text        NOT NULL,              -- of the file
    file           text        NOT NULL,
    detached_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    detached_by    text        NOT NULL
);

-- Whether a cycle's events are in an archive, and not in the log. Set and read under the head's lock.
ALTER TABLE cycle_head ADD COLUMN detached boolean NOT NULL DEFAULT false;

-- One-off items of detached cycles: an id that came before adds nothing, however long ago that was.
CREATE TABLE detached_item (
    cycle_id     uuid NOT NULL,
    organization text NOT NULL,
    item         text NOT NULL,
    PRIMARY KEY (organization, item)
);

-- The partition that a stream is in.
CREATE FUNCTION event_partition(stream uuid) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT format('cyclebook_events_%s_%s',
        lpad(('x' || left(stream::text, 4))::bit(16)::integer::text, 4, '0'),
        lpad(('x' || substr(stream::text, 5, 2))::bit(8)::integer::text, 2, '0'))
$$;

-- A cycle does not begin in a month that is detached: half of it would be here, half in the archive.
CREATE OR REPLACE FUNCTION ensure_event_partition(year integer, month integer) RETURNS void
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
    IF EXISTS (SELECT FROM detached_month d WHERE d.after_id = next_id) THEN
        RAISE EXCEPTION 'month % is detached', part USING ERRCODE = 'CB024';
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE cyclebook_events INCLUDING DEFAULTS INCLUDING STORAGE INCLUDING COMPRESSION)', part);
    EXECUTE format('CREATE UNIQUE INDEX ON %I (notification_id)', part);
    EXECUTE format('ALTER TABLE cyclebook_events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', part, first_id, next_id);
END
$$;

-- Keeps a stream's partition where it is until the transaction ends; whether it is there. Appends
-- that hold no head take it before the log's own lock, so nobody waits for a month while holding that.
CREATE FUNCTION hold_event_partition(stream uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    part text := event_partition(stream);
BEGIN
    IF to_regclass(part) IS NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('LOCK TABLE ONLY %I IN ROW EXCLUSIVE MODE', part);
    RETURN true;
EXCEPTION WHEN undefined_table THEN
    RETURN false;
END
$$;

-- Bringing a month back: a table beside the log is filled first, so that appends wait for no more
-- than its being attached. Its check spares the scan that attaching it would make.
CREATE FUNCTION prepare_event_partition(first_id uuid, after_id uuid) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    part text := event_partition(first_id);
BEGIN
    EXECUTE format('CREATE TABLE %I (LIKE cyclebook_events INCLUDING ALL)', part);
    EXECUTE format('ALTER TABLE %I ADD CONSTRAINT of_its_month CHECK (originator_id >= %L AND originator_id < %L)', part, first_id, after_id);
END
$$;

CREATE FUNCTION attach_event_partition(first_id uuid, after_id uuid) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    part text := event_partition(first_id);
BEGIN
    EXECUTE format('CREATE UNIQUE INDEX ON %I (notification_id)', part);
    EXECUTE format('ALTER TABLE cyclebook_events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', part, first_id, after_id);
    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT of_its_month', part);
END
$$;
