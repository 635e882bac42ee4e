-- Changes that wait for a second person, and what became of them. Outside the log: what was asked
-- may quote people, and only what is carried out happened to anybody's books.
CREATE TABLE change_request (
    number       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operation    text        NOT NULL,
    path         jsonb       NOT NULL,
    query        jsonb       NOT NULL,
    body         jsonb       NOT NULL,
    actor        text        NOT NULL,
    asked_at     timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    above        bigint      NOT NULL,                -- the limit when it was asked
    amount       bigint      NOT NULL,                -- minor units at stake, as last shown
    currency     text        NOT NULL,
    differences  jsonb       NOT NULL,                -- minor units by what they are about
    preview      jsonb,                               -- what it would do to invoices
    claimed_till timestamptz NOT NULL DEFAULT '-infinity',   -- somebody is carrying it out
    decision     text        CHECK (decision IN ('approved', 'rejected')),
    decided_at   timestamptz,
    decided_by   text,
    reason       text,
    CHECK ((decision IS NULL) = (decided_at IS NULL) AND (decision IS NULL) = (decided_by IS NULL))
);
