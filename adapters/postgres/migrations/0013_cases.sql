-- One row for each case, for lists: what its events say. A projection; it can be rebuilt.
CREATE TABLE case_summary (
    case_id         text        PRIMARY KEY,
    organization    text        NOT NULL,
    reported_by     text        NOT NULL,             -- customer, or support
    reported_at     timestamptz NOT NULL,
    known_at        timestamptz NOT NULL,
    last_at         timestamptz NOT NULL,             -- of the last event that customers see
    number          bigint      NOT NULL,             -- position of its report
    position        bigint      NOT NULL,             -- of the last event that counted here
    cycle           text,
    line            text,
    amount          bigint,
    currency        text,
    status          text        NOT NULL,
    acknowledged_at timestamptz,                      -- the first time
    resolved_at     timestamptz,                      -- the last time, while it is
    resolution      text,
    reopened        integer     NOT NULL DEFAULT 0,
    comments        integer     NOT NULL DEFAULT 0
) WITH (fillfactor = 70);
CREATE INDEX case_summary_list ON case_summary (number);
CREATE INDEX case_summary_organization ON case_summary (organization, number);
CREATE INDEX case_summary_cycle ON case_summary (cycle, number) WHERE cycle IS NOT NULL;

-- What people wrote for cases, outside the log so that it can be erased. The salt goes with it:
-- without it the seal in the log says nothing about the text, not even to who guesses it.
CREATE TABLE case_text (
    text_id      text        PRIMARY KEY,
    case_id      text        NOT NULL,
    organization text        NOT NULL,
    salt         text,
    body         text,
    written_at   timestamptz NOT NULL DEFAULT now(),
    erased_at    timestamptz,
    erased_by    text,
    CHECK ((body IS NULL) = (erased_at IS NOT NULL)),
    CHECK ((body IS NULL) = (salt IS NULL)),
    CHECK ((erased_by IS NULL) = (erased_at IS NULL))
);
CREATE INDEX case_text_case ON case_text (case_id);
CREATE INDEX case_text_organization ON case_text (organization);

-- Whether people found a bill clear. An opinion and no fact of billing: the last answer counts.
CREATE SEQUENCE invoice_feedback_number;
CREATE TABLE invoice_feedback (
    cycle        text        NOT NULL,
    actor        text        NOT NULL,
    organization text        NOT NULL,
    clear        boolean     NOT NULL,
    comment      text,
    at           timestamptz NOT NULL,
    number       bigint      NOT NULL UNIQUE DEFAULT nextval('invoice_feedback_number'),
    PRIMARY KEY (cycle, actor)
);
CREATE INDEX invoice_feedback_unclear ON invoice_feedback (number) WHERE NOT clear;

-- The ways in which Stripe differs from the books now. A projection; it can be rebuilt.
CREATE TABLE open_discrepancy (
    id        text        PRIMARY KEY,
    stripe_id uuid        NOT NULL,                   -- the stream of its cycle's life at Stripe
    kind      text        NOT NULL,
    key       text        NOT NULL,
    ours      text        NOT NULL,
    theirs    text        NOT NULL,
    invoice   text,                                   -- Stripe's id
    since     timestamptz NOT NULL,                   -- first recorded
    number    bigint      NOT NULL,                   -- position of the event that did
    position  bigint      NOT NULL                    -- of the last event that counted here
);
CREATE INDEX open_discrepancy_list ON open_discrepancy (number);
