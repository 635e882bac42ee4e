-- What another program had billed through Stripe, and for whom. Facts of the other side, read from
-- Stripe: no event, never rated, never synced; they can be read again at any time.

-- Which organization a customer at Stripe becomes. Claimed before the organization is registered,
-- so that an import that broke off goes on with the same names.
CREATE TABLE imported_customer (
    customer     text        PRIMARY KEY,             -- Stripe's id
    organization text        NOT NULL UNIQUE,
    claimed_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE imported_invoice (
    id           text        PRIMARY KEY,             -- Stripe's id
    customer     text        NOT NULL,
    organization text,                                -- none: nobody's yet
    number       text,
    status       text        NOT NULL,
    currency     text        NOT NULL,
    starts       timestamptz NOT NULL,
    ends         timestamptz NOT NULL,
    issued_at    timestamptz NOT NULL,
    subtotal     bigint      NOT NULL,                -- minor units, of the lines
    discount     bigint      NOT NULL,                -- off the subtotal
    tax          bigint      NOT NULL,                -- on top of both
    total        bigint      NOT NULL,
    amount_paid  bigint      NOT NULL,
    lines        jsonb       NOT NULL,
    read_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX imported_invoice_customer ON imported_invoice (customer, issued_at, id);
CREATE INDEX imported_invoice_organization ON imported_invoice (organization, issued_at, id);
CREATE INDEX imported_invoice_nobodys ON imported_invoice (issued_at) WHERE organization IS NULL;
