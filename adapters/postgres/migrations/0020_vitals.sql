-- Since when a cycle's draft at Stripe may be out of step, however often its sync was put off.
ALTER TABLE sync_queue ADD COLUMN dirty_since timestamptz NOT NULL DEFAULT clock_timestamp();

-- What operators watch is few rows of large tables.
CREATE INDEX invoice_summary_held ON invoice_summary (cycle) WHERE held IS NOT NULL;
CREATE INDEX webhook_inbox_waiting ON webhook_inbox (received_at) WHERE handled_at IS NULL;
