"""Where personal data may be: each table with texts is erased from, or known to hold none."""

import psycopg

from adapters.postgres.erasing import TABLES

NOTHING_PERSONAL = {
    "the log and what is folded from it": (
        "alert_look alert_reached case_summary chain_checkpoint chain_head chain_link chain_stream"
        " credit_use cycle_head cyclebook_events detached_item detached_month invoice_summary"
        " invoice_update open_discrepancy"
        " projection_tracking quarantine_receipt spend_alert sync_trouble usage_by_day"
        " usage_by_day_value usage_checkpoint usage_point usage_tally usage_value notice"
    ),
    "invoices and what was compared, by id": (
        "imported_customer imported_invoice journal_call journal_invoice journal_line journal_note"
        " journal_number journal_payment reconciliation reconciliation_finding"
        " reconciliation_sighting"
    ),
    "who set something up, by id or by the name of a key": (
        "api_key key_event webhook_endpoint webhook_endpoint_event"
    ),
    "how the service runs": (
        "event_cursor last_sync mail_outage procrastinate_jobs schema_migration stripe_pace"
        " stripe_product webhook_line worker"
    ),
}


def test_every_table_with_texts_is_erased_from_or_holds_nothing_personal(
    worker_database: str,
) -> None:
    with psycopg.connect(worker_database) as connection:
        rows = connection.execute(
            "SELECT DISTINCT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
            " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
            " AND NOT c.relispartition AND a.attnum > 0"
            " AND a.atttypid::regtype::text IN ('text', 'jsonb', 'json', 'bytea', 'text[]')"
        ).fetchall()
    known = {name for names in NOTHING_PERSONAL.values() for name in names.split()}
    found = {str(name) for (name,) in rows}
    assert found - TABLES - known == set()
    assert TABLES - found == set()
    assert known & TABLES == set()
