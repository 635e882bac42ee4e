-- How far Stripe's own list of events was read, to find those that no webhook told.
CREATE TABLE event_cursor (
    name    text        PRIMARY KEY,
    seen_at timestamptz NOT NULL                      -- up to here, by Stripe's clock
);

-- Whom an event about a customer concerns.
ALTER TABLE webhook_inbox ADD COLUMN organization text;
CREATE INDEX webhook_inbox_failed ON webhook_inbox (event_id)
    WHERE handled_at IS NULL AND last_error IS NOT NULL;
