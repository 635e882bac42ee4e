-- Reconciliations: what was asked for, how far each is, and what it found. While a worker is at
-- one, lease_until says until when nobody else takes it over; attempt counts who began it.
CREATE TABLE reconciliation (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    status       text        NOT NULL DEFAULT 'requested'
        CHECK (status IN ('requested', 'running', 'done', 'failed')),
    starts       timestamptz,                         -- of the window; null: open
    ends         timestamptz,
    repair       boolean     NOT NULL,
    every_line   boolean     NOT NULL,
    requested_by text        NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at   timestamptz,
    finished_at  timestamptz,
    lease_until  timestamptz,
    attempt      integer     NOT NULL DEFAULT 0,
    expected     bigint      NOT NULL DEFAULT 0,      -- cycles in the window
    done         bigint      NOT NULL DEFAULT 0,      -- those that were compared
    listed       bigint      NOT NULL DEFAULT 0,      -- invoices in Stripe's list
    problem      text                                 -- why it failed
);
CREATE INDEX reconciliation_open ON reconciliation (id) WHERE status IN ('requested', 'running');

-- One row for each discrepancy, in the order they were found.
CREATE TABLE reconciliation_finding (
    reconciliation bigint  NOT NULL REFERENCES reconciliation ON DELETE CASCADE,
    number         bigint  GENERATED ALWAYS AS IDENTITY,
    kind           text    NOT NULL,
    severity       text    NOT NULL,
    cycle          text    NOT NULL,
    organization   text    NOT NULL,
    currency       text    NOT NULL,
    invoice        text,                              -- Stripe's id
    ours           text    NOT NULL,
    theirs         text    NOT NULL,
    cents          bigint  NOT NULL,                  -- theirs less ours, in minor units
    detail         text    NOT NULL,
    repair         text,                              -- what was tried
    repaired       boolean NOT NULL,
    PRIMARY KEY (reconciliation, number)
);

-- What Stripe listed, while a reconciliation lasts. Not worth a crash's while: it is begun anew.
CREATE UNLOGGED TABLE reconciliation_sighting (
    reconciliation bigint NOT NULL,
    invoice        text   NOT NULL,
    cycle          text   NOT NULL,
    seen           bytea  NOT NULL,
    PRIMARY KEY (reconciliation, invoice)
);
CREATE INDEX reconciliation_sighting_cycle ON reconciliation_sighting (reconciliation, cycle);
