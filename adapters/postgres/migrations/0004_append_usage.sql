-- The usual append of usage, where every record is new and every cycle is as its writer believes:
-- one statement, one round trip, and no lock is held while anybody thinks. It answers the last
-- position. Having changed nothing it answers 0 where a cycle is not as believed, and -1 where
-- a key is known: then the writer looks again, or takes the long way, step by step.
--
-- One row each of cycles, controls, counts, latest, states: a cycle (sorted), the control version
-- its usage was attributed by, how many records, the latest instant, the event's body.
-- One each of keys, contents, places: a record's key (sorted), content hash, place of its cycle.
-- Tallies come by how they merge: sums, highest, latest; and points of time-weighted meters.
CREATE FUNCTION append_usage(
    cycles uuid[], controls bigint[], counts bigint[], latest bigint[], states bytea[],
    keys uuid[], contents bigint[], places bigint[],
    sum_cycles bigint[], sum_names text[], sum_quantities text[], sum_records bigint[],
    max_cycles bigint[], max_names text[], max_quantities text[], max_records bigint[],
    last_cycles bigint[], last_names text[], last_quantities text[], last_records bigint[],
    last_instants bigint[],
    point_cycles bigint[], point_names text[], point_instants bigint[], point_values text[]
) RETURNS bigint LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    numbers  bigint[];
    versions bigint[];
    believed boolean;
    position bigint;
BEGIN
    SELECT array_agg(h.cycle_no), array_agg(h.version + 1),
           array_agg(h.control_version) = controls AND bool_and(h.accepts_usage)
    INTO numbers, versions, believed
    FROM (
        SELECT * FROM cycle_head WHERE cycle_id = ANY (cycles) ORDER BY cycle_id FOR UPDATE
    ) AS h;
    IF believed IS NOT TRUE THEN
        RETURN 0;
    END IF;
    BEGIN
        INSERT INTO usage_dedup (key, content, cycle_no, version)
        SELECT x.key, x.content, numbers[x.place], versions[x.place]
        FROM unnest(keys, contents, places) AS x(key, content, place);
    EXCEPTION WHEN unique_violation THEN
        RETURN -1;
    END;
    UPDATE cycle_head AS h
    SET version = h.version + 1, records = h.records + x.count,
        usage_hi = greatest(h.usage_hi, x.latest)
    FROM unnest(cycles, counts, latest) AS x(id, count, latest) WHERE h.cycle_id = x.id;
    IF cardinality(sum_cycles) > 0 THEN
        INSERT INTO usage_tally AS u (cycle_no, tally, quantity, records)
        SELECT x.cycle, x.name, x.quantity::numeric, x.records
        FROM unnest(sum_cycles, sum_names, sum_quantities, sum_records)
            AS x(cycle, name, quantity, records)
        ON CONFLICT (cycle_no, tally) DO UPDATE
        SET quantity = u.quantity + excluded.quantity, records = u.records + excluded.records;
    END IF;
    IF cardinality(max_cycles) > 0 THEN
        INSERT INTO usage_tally AS u (cycle_no, tally, quantity, records)
        SELECT x.cycle, x.name, x.quantity::numeric, x.records
        FROM unnest(max_cycles, max_names, max_quantities, max_records)
            AS x(cycle, name, quantity, records)
        ON CONFLICT (cycle_no, tally) DO UPDATE
        SET quantity = greatest(u.quantity, excluded.quantity),
            records = u.records + excluded.records;
    END IF;
    IF cardinality(last_cycles) > 0 THEN
        INSERT INTO usage_tally AS u (cycle_no, tally, quantity, records, latest_at)
        SELECT x.cycle, x.name, x.quantity::numeric, x.records, x.at
        FROM unnest(last_cycles, last_names, last_quantities, last_records, last_instants)
            AS x(cycle, name, quantity, records, at)
        ON CONFLICT (cycle_no, tally) DO UPDATE
        SET quantity = CASE WHEN excluded.latest_at >= u.latest_at
                            THEN excluded.quantity ELSE u.quantity END,
            latest_at = greatest(u.latest_at, excluded.latest_at),
            records = u.records + excluded.records;
    END IF;
    IF cardinality(point_cycles) > 0 THEN
        INSERT INTO usage_point (cycle_no, tally, at, value)
        SELECT x.cycle, x.name, x.at, x.value::numeric
        FROM unnest(point_cycles, point_names, point_instants, point_values)
            AS x(cycle, name, at, value)
        ON CONFLICT (cycle_no, tally, at) DO UPDATE SET value = excluded.value;
    END IF;
    LOCK TABLE ONLY cyclebook_events IN EXCLUSIVE MODE;
    NOTIFY cyclebook_events;
    WITH stamp AS (
        UPDATE log_clock
        SET last = greatest(clock_timestamp(), last + interval '1 microsecond') RETURNING last
    ), stored AS (
        INSERT INTO cyclebook_events
            (originator_id, originator_version, topic, state, recorded_at)
        SELECT e.id, e.version, 'UsageRecorded@1', e.state, stamp.last
        FROM unnest(cycles, versions, states) WITH ORDINALITY AS e(id, version, state, place), stamp
        ORDER BY e.place RETURNING notification_id
    )
    SELECT max(notification_id) INTO position FROM stored;
    RETURN position;
END
$$;
