-- Messages from a broker, or records of them, that could not be recorded as they are. They are
-- resolved, never deleted.
CREATE TABLE dead_letter (
    id               bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest           bytea       NOT NULL,            -- of what was sent: the same again is counted
    body             bytea       NOT NULL,
    content_type     text        NOT NULL,
    content_encoding text        NOT NULL,
    place            integer,                         -- of the record in its message; null: all of it
    code             text        NOT NULL,
    detail           text        NOT NULL,
    exchange         text        NOT NULL,
    routing_key      text        NOT NULL,
    times            integer     NOT NULL DEFAULT 1,
    first_at         timestamptz NOT NULL DEFAULT now(),
    last_at          timestamptz NOT NULL DEFAULT now(),
    status           text        NOT NULL DEFAULT 'open'
        CHECK (status IN ('open', 'replayed', 'dropped')),
    resolved_at      timestamptz,
    resolution       text,
    resolved_by      text,
    CHECK ((status = 'open') = (resolved_at IS NULL))
);
CREATE UNIQUE INDEX dead_letter_open ON dead_letter (digest) WHERE status = 'open';
CREATE INDEX dead_letter_listed ON dead_letter (status, id);
