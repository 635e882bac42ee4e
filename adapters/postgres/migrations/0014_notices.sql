-- What somebody should be told, each occurrence once. organization: empty where it is about nobody
-- in particular. mail_due: nobody has looked yet who is to be told by e-mail.
CREATE TABLE notice (
    number       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    occurrence   text        NOT NULL UNIQUE,
    kind         text        NOT NULL,
    organization text        NOT NULL,
    cycle        text,
    at           timestamptz NOT NULL,                   -- when it happened
    data         jsonb       NOT NULL,
    made_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    mail_due     boolean     NOT NULL DEFAULT false
);
CREATE INDEX notice_list ON notice (organization, number);
CREATE INDEX notice_kind ON notice (kind, number);
CREATE INDEX notice_mail_due ON notice (number) WHERE mail_due;

-- Nobody is told of what the log held before there were notices.
CREATE TABLE notice_beginning (position bigint NOT NULL);
INSERT INTO notice_beginning SELECT coalesce(max(notification_id), 0) FROM cyclebook_events;

-- Up to which notice somebody has read those of an organization.
CREATE TABLE notice_read (
    organization text   NOT NULL,
    reader       text   NOT NULL,
    up_to        bigint NOT NULL,
    PRIMARY KEY (organization, reader)
);

-- Systems of the operator that are told by webhook. Secrets are kept as they are: they sign.
CREATE TABLE webhook_endpoint (
    id              text        PRIMARY KEY,
    url             text        NOT NULL,
    description     text        NOT NULL,
    kinds           text[],                              -- null: all
    secret          text        NOT NULL,
    old_secret      text,                                -- signs as well, until then
    old_until       timestamptz,
    enabled         boolean     NOT NULL DEFAULT true,
    disabled_reason text,
    failing_since   timestamptz,                         -- null: the last attempt succeeded
    made_at         timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Who made and changed endpoints. The row outlives its endpoint.
CREATE TABLE webhook_endpoint_event (
    number   bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    endpoint text        NOT NULL,
    event    text        NOT NULL,
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor    text        NOT NULL
);

-- One row for each notice and endpoint, or more where it was sent once more by hand.
CREATE TABLE webhook_delivery (
    number       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    endpoint     text        NOT NULL REFERENCES webhook_endpoint ON DELETE CASCADE,
    organization text        NOT NULL,
    notice       bigint      NOT NULL REFERENCES notice ON DELETE CASCADE,
    status       text        NOT NULL DEFAULT 'waiting'
        CHECK (status IN ('waiting', 'delivered', 'given_up')),
    attempts     integer     NOT NULL DEFAULT 0,
    tried_at     timestamptz,
    answer       integer,                                -- the last one's HTTP status
    response     text,                                   -- and how its body begins
    error        text,
    made_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX webhook_delivery_waiting ON webhook_delivery (endpoint, organization, number)
    WHERE status = 'waiting';
CREATE INDEX webhook_delivery_list ON webhook_delivery (endpoint, number);
CREATE INDEX webhook_delivery_notice ON webhook_delivery (notice);
CREATE INDEX webhook_delivery_made ON webhook_delivery (made_at);

-- One row for each endpoint and organization with deliveries that wait: they go out one after the
-- other. due_at: of the first of them; while a worker is at it, when its lease runs out.
CREATE TABLE webhook_line (
    endpoint     text        NOT NULL REFERENCES webhook_endpoint ON DELETE CASCADE,
    organization text        NOT NULL,
    due_at       timestamptz NOT NULL DEFAULT '-infinity',
    lease        uuid,
    PRIMARY KEY (endpoint, organization)
);
CREATE INDEX webhook_line_due ON webhook_line (due_at);

-- Cycles whose invoice may have changed, while somebody listens. marks: counts the changes.
CREATE TABLE invoice_update (
    cycle   text        PRIMARY KEY,
    marks   bigint      NOT NULL DEFAULT 1,
    due_at  timestamptz,
    told_at timestamptz,
    digest  text                                         -- of the invoice when last told
);
CREATE INDEX invoice_update_due ON invoice_update (due_at) WHERE due_at IS NOT NULL;

-- Cycles whose sync fails: since when, and who was told.
CREATE TABLE sync_trouble (
    cycle             text        PRIMARY KEY,
    since             timestamptz NOT NULL,
    told_at           timestamptz,
    customer_told_at  timestamptz
);

-- E-mails, one for each notice and member. The address is looked up when it is sent.
CREATE TABLE mail (
    number       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    notice       bigint      NOT NULL REFERENCES notice ON DELETE CASCADE,
    organization text        NOT NULL,
    member       text        NOT NULL,
    status       text        NOT NULL DEFAULT 'waiting'
        CHECK (status IN ('waiting', 'sent', 'given_up')),
    attempts     integer     NOT NULL DEFAULT 0,
    due_at       timestamptz NOT NULL DEFAULT '-infinity',
    error        text,
    made_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (notice, member)
);
CREATE INDEX mail_waiting ON mail (due_at) WHERE status = 'waiting';
CREATE INDEX mail_made ON mail (made_at);

-- What members want to be told by e-mail, where it is not what their role gets.
CREATE TABLE mail_choice (
    organization text    NOT NULL,
    member       text    NOT NULL,
    subject      text    NOT NULL,
    wanted       boolean NOT NULL,
    PRIMARY KEY (organization, member, subject)
);

-- For deleting what was handled long ago.
CREATE INDEX webhook_inbox_handled ON webhook_inbox (handled_at) WHERE handled_at IS NOT NULL;
