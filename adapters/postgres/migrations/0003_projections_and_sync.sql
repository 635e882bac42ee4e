-- Projections follow the log; their position is stored in the transaction of their rows.
CREATE TABLE projection_tracking (
    application_name text PRIMARY KEY,
    notification_id  bigint
);

-- Usage by local day of the organization. latest_at: for meters whose last value counts.
CREATE TABLE usage_by_day (
    organization text    NOT NULL,
    meter        text    NOT NULL,
    day          date    NOT NULL,
    quantity     numeric NOT NULL,
    records      bigint  NOT NULL,
    latest_at    bigint  NOT NULL,                    -- microseconds since 1970
    PRIMARY KEY (organization, meter, day)
) WITH (fillfactor = 50);

-- The distinct values of a "unique" meter, by day.
CREATE TABLE usage_by_day_value (
    organization text NOT NULL,
    meter        text NOT NULL,
    day          date NOT NULL,
    value        text NOT NULL,
    PRIMARY KEY (organization, meter, day, value)
);

-- Every invoice, for lists: what the events of its cycle and of its life at Stripe say.
CREATE TABLE invoice_summary (
    cycle_id       uuid        PRIMARY KEY,           -- the stream of its cycle
    stripe_id      uuid        NOT NULL UNIQUE,       -- and that of its life at Stripe
    cycle          text        NOT NULL UNIQUE,
    organization   text        NOT NULL,
    currency       text        NOT NULL,
    starts         timestamptz NOT NULL,
    ends           timestamptz NOT NULL,
    status         text        NOT NULL,
    held           text,                              -- why, while a hold lasts
    total          bigint,                            -- once settled
    credited       bigint      NOT NULL DEFAULT 0,    -- by credit notes, with their tax
    number         text,
    issued_at      timestamptz,
    stripe_invoice text,
    stripe_state   text        NOT NULL,              -- none, pending, in_step, drift or failed
    proved_at      timestamptz,
    position       bigint      NOT NULL               -- of the last event that counted here
);
CREATE INDEX invoice_summary_list ON invoice_summary (organization, starts DESC);

-- The pending change-sets: one row for each cycle whose draft at Stripe may be out of step.
-- Operational state, outside rebuilds: the projector raises dirty_position and due_at, workers
-- own the rest. While a worker has the row, due_at is when its lease runs out, and again_at when
-- the row is due after that.
CREATE TABLE sync_queue (
    cycle          text        PRIMARY KEY,
    dirty_position bigint      NOT NULL,
    due_at         timestamptz NOT NULL,
    again_at       timestamptz,
    priority       integer     NOT NULL DEFAULT 0,
    attempts       integer     NOT NULL DEFAULT 0,
    lease_token    uuid,
    last_error     text,
    failed_at      timestamptz,
    parked         boolean     NOT NULL DEFAULT false
) WITH (fillfactor = 70);
CREATE INDEX sync_queue_due ON sync_queue (priority, due_at) WHERE NOT parked;

-- Webhooks from Stripe: stored once, answered at once, handled afterwards.
CREATE TABLE webhook_inbox (
    event_id    text        PRIMARY KEY,
    type        text        NOT NULL,
    object_id   text        NOT NULL,                 -- what it is about, at Stripe
    cycle       text,                                 -- ours, where that object names one
    payload     bytea       NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    handled_at  timestamptz,
    attempts    integer     NOT NULL DEFAULT 0,
    due_at      timestamptz DEFAULT '-infinity',      -- null: a person has to look
    last_error  text
);
CREATE INDEX webhook_inbox_open ON webhook_inbox (due_at) WHERE handled_at IS NULL;
