-- How fast Stripe is called, by all processes together: one row for the account (name ''), one
-- for each endpoint. Not logged: it says nothing that is still true after a crash.
CREATE UNLOGGED TABLE stripe_pace (
    name      text     PRIMARY KEY,
    version   bigint   NOT NULL,                      -- the account's: counts every change
    calls     bigint[] NOT NULL,                      -- when the last ones went, µs since 1970
    shrunk_at bigint,                                 -- when Stripe last objected
    shrunk_to integer  NOT NULL,
    shared    jsonb                                   -- the account's: the breaker, the lanes
) WITH (fillfactor = 20);

-- Failures that waiting does not mend, apart from those that it does.
ALTER TABLE sync_queue ADD COLUMN refusals integer NOT NULL DEFAULT 0;
