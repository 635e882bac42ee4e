-- What the log's writers keep in the transaction of each append, and what people keep outside it.

-- One row for each billing cycle: its place in time, and the lock that orders everything about it.
CREATE TABLE cycle_head (
    cycle_id        uuid        PRIMARY KEY,
    cycle_no        bigint      GENERATED ALWAYS AS IDENTITY UNIQUE,
    cycle           text        NOT NULL UNIQUE,
    organization    text        NOT NULL,
    starts          bigint      NOT NULL,             -- microseconds since 1970
    ends            bigint      NOT NULL,
    opened_at       timestamptz NOT NULL,
    status          text        NOT NULL,
    accepts_usage   boolean     NOT NULL DEFAULT true,
    next_duty_at    timestamptz,                      -- when its life goes on; null: nothing to do
    version         bigint      NOT NULL,             -- of its last event
    control_version bigint      NOT NULL,             -- of its last event that is not usage
    records         bigint      NOT NULL DEFAULT 0,
    usage_hi        bigint      NOT NULL DEFAULT 0,   -- the latest occurred_at of its usage
    tallies_stale   boolean     NOT NULL DEFAULT false,
    has_late        boolean     NOT NULL DEFAULT false,   -- its late layer of tallies is kept
    late_stale      boolean     NOT NULL DEFAULT false,   -- and has to be folded anew
    late_open       boolean     NOT NULL DEFAULT false    -- late facts nobody has billed yet
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX cycle_head_place ON cycle_head (organization, starts);
CREATE INDEX cycle_head_duty ON cycle_head (next_duty_at) WHERE next_duty_at IS NOT NULL;

-- One row for each accepted usage record. key: from (source, id) alone. The content hash tells
-- a retry from a conflict; cycle and version say where the record lies in the log.
CREATE TABLE usage_dedup (
    key      uuid   PRIMARY KEY,
    content  bigint NOT NULL,
    cycle_no bigint NOT NULL,
    version  bigint NOT NULL
);

-- What usage adds up to. tally: a JSON array [meter, attachment, price, dimension pairs].
-- cycle_no: negative for the late layer of a cycle: what it adds up to with everything known now,
-- where something became known after its usage cut-off. Its other rows then stay as they are.
CREATE TABLE usage_tally (
    cycle_no  bigint  NOT NULL,
    tally     text    NOT NULL,
    quantity  numeric NOT NULL,
    records   bigint  NOT NULL,
    latest_at bigint  NOT NULL DEFAULT 0,
    PRIMARY KEY (cycle_no, tally)
) WITH (fillfactor = 50);

-- The values of a "unique" meter: when each was last reported, and whether that was a removal.
CREATE TABLE usage_value (
    cycle_no bigint  NOT NULL,
    tally    text    NOT NULL,
    value    text    NOT NULL,
    at       bigint  NOT NULL,
    removed  boolean NOT NULL DEFAULT false,
    PRIMARY KEY (cycle_no, tally, value)
);

-- The points of a "time_weighted" meter: this value from this instant on.
CREATE TABLE usage_point (
    cycle_no bigint  NOT NULL,
    tally    text    NOT NULL,
    at       bigint  NOT NULL,
    value    numeric NOT NULL,
    PRIMARY KEY (cycle_no, tally, at)
);

-- Sums of stretches of a cycle's usage events, so that long cycles replay fast. Derived.
CREATE TABLE usage_checkpoint (
    cycle_no      bigint NOT NULL,
    first_version bigint NOT NULL,
    last_version  bigint NOT NULL,
    recorded_at   timestamptz NOT NULL,               -- of the last event
    lo            bigint NOT NULL,
    hi            bigint NOT NULL,
    tallies       jsonb  NOT NULL,
    PRIMARY KEY (cycle_no, last_version)
);

-- Same (source, id), other content: kept, never summed.
CREATE TABLE usage_conflict (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key         uuid        NOT NULL,
    content     bigint      NOT NULL,
    cycle_no    bigint      NOT NULL,                 -- where the accepted record lies
    version     bigint      NOT NULL,
    received    jsonb       NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (key, content)
);

-- Records that could not be placed: kept, and replayable once the cause is mended.
CREATE TABLE quarantine (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key          uuid        NOT NULL,
    content      bigint      NOT NULL,
    organization text        NOT NULL,
    record       jsonb       NOT NULL,
    code         text        NOT NULL,
    detail       text        NOT NULL,
    actor        text        NOT NULL,
    received_at  timestamptz NOT NULL DEFAULT now(),
    status       text        NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'replayed', 'dismissed')),
    resolved_at  timestamptz,
    resolution   text
);
CREATE UNIQUE INDEX quarantine_open ON quarantine (key, content) WHERE status = 'open';
CREATE INDEX quarantine_list ON quarantine (status, id);

-- Names and addresses: outside the log, so that they can be erased.
CREATE TABLE organization_directory (
    organization text PRIMARY KEY,
    name         text NOT NULL
);
CREATE TABLE member_directory (
    organization text NOT NULL,
    member       text NOT NULL,
    email        text NOT NULL,
    PRIMARY KEY (organization, member)
);

-- Keys of the API: only their SHA-256 is kept.
CREATE TABLE api_key (
    id           text        PRIMARY KEY,
    hash         bytea       NOT NULL UNIQUE,
    role         text        NOT NULL CHECK (role IN ('ingest', 'organization', 'support', 'admin')),
    organization text,
    name         text        NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    revoked_at   timestamptz,
    CHECK ((role = 'organization') = (organization IS NOT NULL))
);

-- Answers already given to a request with this Idempotency-Key.
CREATE TABLE idempotent_answer (
    actor      text        NOT NULL,
    key        text        NOT NULL,
    request    bytea       NOT NULL,
    status     integer,
    body       bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (actor, key)
);

-- What issued invoices have used of each credit.
CREATE TABLE credit_use (
    organization text   NOT NULL,
    cycle        text   NOT NULL,
    credit       text   NOT NULL,
    amount       bigint NOT NULL,
    PRIMARY KEY (organization, cycle, credit)
);
