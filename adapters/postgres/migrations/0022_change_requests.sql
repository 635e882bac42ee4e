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

-- What people search for: an invoice by its number (the beginning will do) or Stripe's id, a member
-- by the whole address, an organization by its customer at Stripe. The last stands in the log, in
-- the partition of all streams but cycles', so the way of usage has no index more.
CREATE INDEX invoice_summary_number ON invoice_summary (upper(number) COLLATE "C")
    WHERE number IS NOT NULL;
CREATE INDEX invoice_summary_stripe ON invoice_summary (stripe_invoice)
    WHERE stripe_invoice IS NOT NULL;
CREATE INDEX member_directory_email ON member_directory (lower(email));
CREATE INDEX stripe_customer_links ON cyclebook_events_0000_00 (originator_id)
    WHERE starts_with(topic, 'StripeCustomerLinked@');
