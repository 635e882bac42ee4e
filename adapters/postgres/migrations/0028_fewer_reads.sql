-- When each cycle was last synced from the queue, and when it may be synced by itself again: Stripe
-- expects few reads for each payment. Operational state; a row of 30 days ago says nothing any more.
CREATE TABLE last_sync (
    cycle   text        PRIMARY KEY,
    made_at timestamptz NOT NULL,
    next_at timestamptz NOT NULL
) WITH (fillfactor = 70);

-- How urgent it is what came while a worker had the row: that, and not what was urgent before, is
-- how urgent the row is when it stays.
ALTER TABLE sync_queue ADD COLUMN again_priority integer;

-- What Stripe's catalogue is known to have, under the ids that we choose: nobody asks again.
CREATE TABLE stripe_product (
    id      text        PRIMARY KEY,
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
