"""What an organization's export holds of each table, or why it leaves a table out."""

import json
from collections.abc import Iterator

import psycopg
import pytest

from adapters.postgres.database import Database
from adapters.postgres.organization_rows import KEPT, PostgresOrganizationRows
from application.export_rows import COLUMNS, STAFF, Row

EXPORTED = {
    "alert_reached": "alert_reached",
    "api_key": "api_key",
    "case_summary": "case",
    "case_text": "case_entry",
    "change_request": "change_request",
    "credit_use": "credit_use",
    "detached_item": "detached_cycle",
    "cycle_head": "invoice",
    "imported_invoice": "imported_invoice imported_line",
    "invoice_feedback": "feedback",
    "invoice_summary": "invoice",
    "mail": "mail",
    "mail_choice": "mail_choice",
    "member_directory": "member",
    "notice": "notice",
    "open_discrepancy": "discrepancy",
    "organization_directory": "organization",
    "quarantine": "quarantined_record",
    "reconciliation_finding": "reconciliation_finding",
    "spend_alert": "alert",
    "usage_conflict": "usage_conflict",
    "webhook_delivery": "webhook_delivery",
    "webhook_endpoint": "webhook_endpoint",
}
"""Tables that are in the export, and as which kinds of rows."""

LEFT_OUT = {
    "adds up what usage records and events say": (
        "usage_by_day usage_by_day_value usage_checkpoint usage_dedup usage_point usage_tally"
        " usage_value"
    ),
    "links of the chain, whose head is in the manifest": (
        "chain_checkpoint chain_head chain_link chain_stream"
    ),
    "says where our own work stands, and nothing of the organization": (
        "alert_look invoice_update quarantine_receipt sync_queue sync_trouble webhook_line"
        " reconciliation_sighting last_sync"
    ),
    "how far somebody has read, or who is signed in": "notice_read web_session sign_in_link",
    "what Stripe was sent and sent us: its outcome is in events": (
        "stripe_call_private webhook_inbox"
    ),
    "the same as the customer of the organization": "imported_customer journal_customer",
    "our own processor's copy of invoices, notes and payments": "journal_invoice",
}
"""Tables that are not, by the reason."""


@pytest.fixture
def database(each_database_url: str) -> Iterator[Database]:
    opened = Database(each_database_url)
    yield opened
    opened.close()


def test_every_table_about_an_organization_is_exported_or_left_out_for_a_reason(
    worker_database: str,
) -> None:
    with psycopg.connect(worker_database) as connection:
        rows = connection.execute(
            "SELECT DISTINCT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
            " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
            " AND NOT c.relispartition AND NOT a.attisdropped"
            " AND a.attname IN ('organization', 'cycle', 'cycle_no')"
        ).fetchall()
    found = {str(name) for (name,) in rows}
    left_out = {name for names in LEFT_OUT.values() for name in names.split()}
    assert found - EXPORTED.keys() - left_out == set()
    assert EXPORTED.keys() & left_out == set()
    kinds = {kind for names in EXPORTED.values() for kind in names.split()}
    of_the_log = {"event", "usage_record", "invoice_line", "outcome", "credit"}
    assert kinds | of_the_log == COLUMNS.keys()


ROWS = (
    "INSERT INTO cycle_head (cycle_id, cycle, organization, starts, ends, opened_at, status,"
    " version, control_version) VALUES (gen_random_uuid(), '{org}.2026-01-01', '{org}', 0, 1,"
    " now(), 'issued', 1, 1)",
    "INSERT INTO imported_invoice (id, customer, organization, status, currency, starts, ends,"
    " issued_at, subtotal, discount, tax, total, amount_paid, lines) VALUES ('in_{org}',"
    " 'cus_{org}', NULL, 'paid', 'usd', '2026-01-01Z', '2026-02-01Z', '2026-02-01Z', 100, 0, 19,"
    ' 119, 119, \'[{{"id": "il_1", "description": "Fee", "amount": 100, "product": null,'
    ' "price": "p1", "quantity": "1.5", "proration": false, "tax": 0,'
    ' "start": "2026-01-01T00:00:00+00:00", "end": "2026-02-01T00:00:00+00:00"}}]\')',
    "INSERT INTO credit_use (organization, cycle, credit, amount)"
    " VALUES ('{org}', '{org}.2026-01-01', 'k1', 5)",
    "INSERT INTO invoice_feedback (cycle, actor, organization, clear, comment, at)"
    " VALUES ('{org}.2026-01-01', 'member:u1', '{org}', false, 'why {org}?', now())",
    "INSERT INTO alert_reached (cycle, alert, times, reached_at)"
    " VALUES ('{org}.2026-01-01', 'a1', 1, now())",
    "INSERT INTO notice (occurrence, kind, organization, cycle, at, data, mail_due)"
    " VALUES ('o1/{org}', 'invoice.issued', '{org}', '{org}.2026-01-01', now(), '{{}}', false),"
    " ('o2/{org}', 'sync.failed', '{org}', '{org}.2026-01-01', now(), '{{}}', false)",
    "INSERT INTO mail_choice (organization, member, subject, wanted)"
    " VALUES ('{org}', 'u1', 'alerts', false)",
    "INSERT INTO mail (notice, organization, member, status)"
    " SELECT min(number), organization, 'u1', 'sent' FROM notice"
    " WHERE organization = '{org}' GROUP BY organization",
    "INSERT INTO quarantine (key, content, organization, record, code, detail, actor)"
    " VALUES (gen_random_uuid(), 1, '{org}', '{{\"id\": \"{org}\"}}', 'unknown_meter', '-', 'k')",
    "INSERT INTO usage_conflict (key, content, cycle_no, version, received) SELECT"
    ' gen_random_uuid(), 1, cycle_no, 1, \'{{"id": "{org}"}}\' FROM cycle_head'
    " WHERE organization = '{org}'",
    "INSERT INTO invoice_summary (cycle_id, stripe_id, cycle, organization, currency, starts, ends,"
    " status, credited, stripe_state, position) VALUES (gen_random_uuid(), gen_random_uuid(),"
    " '{org}.2026-01-01', '{org}', 'usd', now(), now(), 'issued', 0, 'drift', 1)",
    "INSERT INTO open_discrepancy (id, stripe_id, kind, key, ours, theirs, since, number, position)"
    " SELECT 'd-{org}', stripe_id, 'amount', 'fee', '1', '2', now(), 1, 1 FROM invoice_summary"
    " WHERE organization = '{org}'",
    "INSERT INTO reconciliation_finding (reconciliation, kind, severity, cycle,"
    " organization, currency, ours, theirs, cents, detail, repaired) SELECT max(id),"
    " 'amount', 'error', '{org}.2026-01-01', '{org}', 'usd', '1', '2', 1, '-', false"
    " FROM reconciliation",
    "INSERT INTO invoice_summary (cycle_id, stripe_id, cycle, organization, currency, starts, ends,"
    " status, credited, stripe_state, position) VALUES"
    " ('07e90100-0000-8000-8000-00000000000{number}', gen_random_uuid(), '{org}.2025-01-01',"
    " '{org}', 'usd', now(), now(), 'paid', 0, 'in_step', 1)",
    "INSERT INTO change_request (operation, path, query, body, actor, asked_at, expires_at, above,"
    " amount, currency, differences) VALUES ('waive_line',"
    " '{{\"cycle\": \"{org}.2026-01-01\"}}', '{{}}', '{{\"reason\": \"{org}\"}}', 'k', now(),"
    " now(), 1, 2, 'usd', '{{\"fee\": -2}}')",
    "INSERT INTO webhook_endpoint (id, url, description, kinds, secret, enabled) VALUES"
    " ('e-{org}', 'https://u:pw@hooks.{org}.example:8443/in?token=t', '', '{{invoice.issued}}',"
    " 'whsec', true)",
    "INSERT INTO webhook_delivery (endpoint, organization, notice)"
    " SELECT 'e-{org}', organization, min(number) FROM notice WHERE organization = '{org}'"
    " GROUP BY organization",
    "INSERT INTO api_key (id, hash, role, organization, name)"
    " VALUES ('ck-{org}', '\\x{number:02}', 'organization', '{org}', 'theirs')",
)

BOTH = (
    "INSERT INTO detached_month (month, first_id, after_id, cycles, events, first_position,"
    " last_position, last_at, seal, sha256, file, detached_by) VALUES ('2025-01',"
    " '07e90100-0000-0000-0000-000000000000', '07e90200-0000-0000-0000-000000000000', 2, 2, 1, 2,"
    " now(), '-', 'ab12', '2025-01.ndjson', 'k')",
    "INSERT INTO change_request (operation, path, query, body, actor, asked_at, expires_at, above,"
    " amount, currency, differences) VALUES ('correct_usage', '{}', '{}', '[\"both\"]', 'k', now(),"
    " now(), 1, 2, 'usd', '{\"acme.2026-01-01/fee\": -2, \"globex.2026-01-01/fee\": -2}')",
)


@pytest.fixture
def store(database: Database) -> PostgresOrganizationRows:
    """acme and globex, with a row of each kind each, and one about both."""
    with database.connection() as connection:
        connection.execute(
            "INSERT INTO reconciliation (status, repair, every_line, requested_by, requested_at)"
            " VALUES ('done', false, false, 'k', now())"
        )
        for number, org in enumerate(("acme", "globex"), start=1):
            for statement in ROWS:
                connection.execute(statement.format(org=org, number=number).encode())
        for statement in BOTH:
            connection.execute(statement.encode())
    return PostgresOrganizationRows(database)


def read(store: PostgresOrganizationRows, *, for_staff: bool = True) -> list[tuple[str, Row]]:
    return list(store.rows("acme", "cus_acme", for_staff=for_staff))


def test_each_kind_has_its_own_rows_and_nobody_elses(store: PostgresOrganizationRows) -> None:
    found = read(store)
    assert {kind for kind, _ in found} == KEPT.keys()
    for kind, row in found:
        assert ("organization", *row) == COLUMNS[kind]
        assert "globex" not in str(row)
        assert not any(isinstance(each, (dict, list, float)) for each in row.values())


def test_what_another_organization_was_billed_for_does_not_come_with_its_former_customer(
    store: PostgresOrganizationRows, database: Database
) -> None:
    with database.connection() as connection:
        connection.execute(
            "UPDATE imported_invoice SET organization = 'globex', customer = 'cus_acme'"
            " WHERE id = 'in_globex'"
        )
    found = [row["stripe_invoice"] for kind, row in read(store) if kind.startswith("imported")]
    assert found == ["in_acme", "in_acme"]


def test_customers_get_what_is_theirs(store: PostgresOrganizationRows) -> None:
    found = read(store, for_staff=False)
    assert {kind for kind, _ in found} == KEPT.keys() - STAFF
    assert [row["kind"] for kind, row in found if kind == "notice"] == ["invoice.issued"]


def test_an_imported_invoice_comes_with_its_lines_exactly(store: PostgresOrganizationRows) -> None:
    rows = dict(read(store))
    assert (rows["imported_invoice"]["total"], rows["imported_invoice"]["ends"]) == (
        119,
        "2026-02-01T00:00:00Z",
    )
    line = rows["imported_line"]
    assert (line["stripe_invoice"], line["quantity"], line["amount"]) == ("in_acme", "1.5", 100)
    assert (line["proration"], line["starts"]) == (False, "2026-01-01T00:00:00Z")


def test_of_an_endpoint_neither_its_secret_nor_what_is_secret_in_its_address(
    store: PostgresOrganizationRows,
) -> None:
    rows = dict(read(store))
    assert rows["webhook_endpoint"]["host"] == "hooks.acme.example:8443"
    assert not any(word in str(rows) for word in ("whsec", "pw@", "token=t"))


def test_of_a_change_to_several_organizations_nothing_is_told_that_was_sent(
    store: PostgresOrganizationRows,
) -> None:
    own, both = (row for kind, row in read(store) if kind == "change_request")
    assert json.loads(str(own["body"])) == {"reason": "acme"}
    assert (both["operation"], both["body"], both["path"]) == ("correct_usage", None, None)
    assert (both["amount"], both["currency"]) == (None, None)  # of all of them together


@pytest.mark.parametrize("name", ["total", "remaining", "payment", "fee"])
def test_an_organization_named_as_what_a_change_is_about_sees_nobody_elses(
    store: PostgresOrganizationRows, database: Database, name: str
) -> None:
    with database.connection() as connection:
        connection.execute(
            "UPDATE change_request SET differences = jsonb_build_object(%s::text, -2)"
            " WHERE path <> '{}'",
            [name],
        )
    assert not [row for kind, row in store.rows(name, None, for_staff=True)]


def test_more_rows_than_a_page_come_each_once(
    store: PostgresOrganizationRows, database: Database
) -> None:
    with database.connection() as connection:
        connection.execute(
            "INSERT INTO credit_use (organization, cycle, credit, amount)"
            " SELECT 'acme', 'acme.2026-02-01', 'c' || n, n FROM generate_series(1, 1100) AS n"
        )
    amounts = [row["amount"] for kind, row in read(store) if kind == "credit_use"]
    assert sorted(map(int, map(str, amounts))) == sorted([5, *range(1, 1101)])
