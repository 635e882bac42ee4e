-- The journal: invoices where no Stripe holds them. Whole minor units throughout.
CREATE TABLE journal_customer (
    id           text        PRIMARY KEY,
    organization text        UNIQUE,                  -- none: it is no organization's any more
    name         text        NOT NULL,
    email        text        NOT NULL
);

CREATE TABLE journal_invoice (
    id             text        PRIMARY KEY,
    place          bigint      GENERATED ALWAYS AS IDENTITY,
    customer       text        NOT NULL REFERENCES journal_customer,
    currency       text        NOT NULL,
    status         text        NOT NULL DEFAULT 'draft',
    cycle          text        NOT NULL,
    revision       integer     NOT NULL,
    plan           integer     NOT NULL,
    digest         text        NOT NULL DEFAULT '',
    method         text        NOT NULL,
    days_until_due integer,
    made_at        timestamptz NOT NULL,
    number         bigint      UNIQUE,                -- from here on: of an issued one
    balance        bigint      NOT NULL DEFAULT 0,    -- taken from what is kept for the customer
    issued_at      timestamptz,
    due_at         timestamptz
);
CREATE INDEX journal_invoice_made ON journal_invoice (made_at, place);
CREATE INDEX journal_invoice_cycle ON journal_invoice (cycle);
CREATE INDEX journal_invoice_customer ON journal_invoice (customer, currency);

CREATE TABLE journal_line (
    id          text        PRIMARY KEY,
    place       bigint      GENERATED ALWAYS AS IDENTITY,
    invoice     text        NOT NULL REFERENCES journal_invoice ON DELETE CASCADE,
    key         text        NOT NULL,
    amount      bigint      NOT NULL,
    starts      timestamptz NOT NULL,
    ends        timestamptz NOT NULL,
    description text        NOT NULL,
    UNIQUE (invoice, key)
);

CREATE TABLE journal_note (
    id             text        PRIMARY KEY,
    place          bigint      GENERATED ALWAYS AS IDENTITY,
    invoice        text        NOT NULL REFERENCES journal_invoice,
    note           text        NOT NULL,
    reason         text        NOT NULL,
    lines          jsonb       NOT NULL,              -- minor units by id of the invoice's line
    reduce_due     bigint      NOT NULL,
    refund         bigint      NOT NULL,
    credit_balance bigint      NOT NULL,
    out_of_band    bigint      NOT NULL,
    made_at        timestamptz NOT NULL,
    UNIQUE (invoice, note)
);

-- Money that came in and was noted by hand.
CREATE TABLE journal_payment (
    id          text        PRIMARY KEY,
    place       bigint      GENERATED ALWAYS AS IDENTITY,
    invoice     text        NOT NULL REFERENCES journal_invoice,
    amount      bigint      NOT NULL CHECK (amount > 0),
    reference   text        NOT NULL,
    received_at timestamptz NOT NULL,
    noted_by    text        NOT NULL,
    UNIQUE (invoice, reference)
);

-- The last number given to an invoice: locked while one is issued, so that none is left out.
CREATE TABLE journal_number (
    series text   PRIMARY KEY,
    last   bigint NOT NULL
);

-- What was answered to a write, so that the same again gets the same.
CREATE TABLE journal_call (
    key       text        PRIMARY KEY,
    asked     bytea       NOT NULL,                   -- a hash of the whole request
    status    integer     NOT NULL,
    reference text,
    code      text,
    message   text,
    at        timestamptz NOT NULL
);
CREATE INDEX journal_call_at ON journal_call (at);
