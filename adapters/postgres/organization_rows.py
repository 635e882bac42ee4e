"""What tables hold of an organization beside the log and the invoices, a page at a time."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from psycopg.rows import dict_row

from adapters.postgres.database import Database
from adapters.postgres.imported import WHOSE
from application.export_rows import COLUMNS, STAFF, Cell, Row
from application.notices import CUSTOMERS
from domain.period import written_utc
from domain.quantity import plain

PAGE = 500

_OF_CYCLES = "JOIN cycle_head h USING (cycle) WHERE h.organization = %(organization)s"
# A request may be about a cycle, or about usage of several organizations: then what was sent is
# theirs as well, and only that there was one is told. Some name what they move without a cycle,
# such as "total", which may be an organization's name.
_ABOUT = "starts_with(each, %(organization)s || '.')"
_EACH = "FROM jsonb_object_keys(differences) AS keys(each)"
_OURS_ALONE = f"""(path ->> 'organization' = %(organization)s
    OR split_part(path ->> 'cycle', '.', 1) = %(organization)s
    OR NOT EXISTS (SELECT {_EACH} WHERE NOT {_ABOUT}))"""

_SENT = ("path", "query", "body", "amount", "currency", "reason")


@dataclass(frozen=True, slots=True)
class Kept:
    """Where rows of a kind stand. key: an expression that tells them apart, and orders them."""

    query: str
    key: str


KEPT: Mapping[str, Kept] = {
    "detached_cycle": Kept(
        "SELECT s.*, month, sha256, detached_at FROM invoice_summary s JOIN detached_month m"
        " ON s.cycle_id >= m.first_id AND s.cycle_id < m.after_id"
        " WHERE organization = %(organization)s",
        "cycle",
    ),
    "imported_invoice": Kept(
        f"SELECT *, id AS stripe_invoice FROM imported_invoice WHERE {WHOSE}",
        "id",
    ),
    "imported_line": Kept(
        "SELECT invoice.id AS stripe_invoice, place, line ->> 'id' AS line,"
        " line ->> 'description' AS description, (line ->> 'amount')::bigint AS amount,"
        " invoice.currency, (line ->> 'start')::timestamptz AS starts,"
        " (line ->> 'end')::timestamptz AS ends, line ->> 'product' AS product,"
        " line ->> 'price' AS price, line ->> 'quantity' AS quantity,"
        " (line ->> 'proration')::boolean AS proration, (line ->> 'tax')::bigint AS tax"
        " FROM imported_invoice AS invoice,"
        f" jsonb_array_elements(lines) WITH ORDINALITY AS lines(line, place) WHERE {WHOSE}",
        "stripe_invoice || to_char(place, '000000')",
    ),
    "credit_use": Kept(
        "SELECT * FROM credit_use WHERE organization = %(organization)s", "cycle || '/' || credit"
    ),
    "feedback": Kept(
        "SELECT * FROM invoice_feedback WHERE organization = %(organization)s", "number"
    ),
    "alert_reached": Kept(
        f"SELECT cycle, alert, times, reached_at FROM alert_reached {_OF_CYCLES}",
        "cycle || '/' || alert || '/' || times",
    ),
    "notice": Kept(
        "SELECT *, number AS notice FROM notice WHERE organization = %(organization)s"
        " AND (%(for_staff)s OR kind = ANY(%(shown)s))",
        "number",
    ),
    "mail_choice": Kept(
        'SELECT member AS "user", subject, wanted FROM mail_choice'
        " WHERE organization = %(organization)s",
        "\"user\" || '/' || subject",
    ),
    "mail": Kept(
        'SELECT *, number AS mail, member AS "user" FROM mail'
        " WHERE organization = %(organization)s",
        "number",
    ),
    "quarantined_record": Kept(
        "SELECT * FROM quarantine WHERE organization = %(organization)s", "id"
    ),
    "usage_conflict": Kept(
        "SELECT id, cycle, received, received_at FROM usage_conflict"
        " JOIN cycle_head h USING (cycle_no) WHERE h.organization = %(organization)s",
        "id",
    ),
    "discrepancy": Kept(
        "SELECT id AS discrepancy, cycle, kind, key AS line, ours, theirs, invoice, since"
        " FROM open_discrepancy JOIN invoice_summary s USING (stripe_id)"
        " WHERE s.organization = %(organization)s",
        "discrepancy",
    ),
    "reconciliation_finding": Kept(
        "SELECT found.*, requested_at AS asked_at FROM reconciliation_finding AS found"
        " JOIN reconciliation ON id = reconciliation WHERE organization = %(organization)s",
        "to_char(reconciliation, '000000000000') || to_char(number, '000000000000')",
    ),
    "change_request": Kept(
        "SELECT number, number AS change_request, operation, actor AS asked_by, asked_at,"
        " decision, decided_at, decided_by, "
        + ", ".join(f"CASE WHEN {_OURS_ALONE} THEN {name} END AS {name}" for name in _SENT)
        + " FROM change_request WHERE path ->> 'organization' = %(organization)s"
        " OR split_part(path ->> 'cycle', '.', 1) = %(organization)s"
        f" OR EXISTS (SELECT {_EACH} WHERE {_ABOUT})",
        "number",
    ),
    "webhook_endpoint": Kept(
        "SELECT id AS endpoint, substring(url FROM '^[a-z]+://(?:[^/?#]*@)?([^/?#]+)') AS host,"
        " description, array_to_string(kinds, ' ') AS kinds, enabled, made_at"
        " FROM webhook_endpoint WHERE id IN"
        " (SELECT endpoint FROM webhook_delivery WHERE organization = %(organization)s)",
        "endpoint",
    ),
    "webhook_delivery": Kept(
        "SELECT *, number AS delivery FROM webhook_delivery WHERE organization = %(organization)s",
        "number",
    ),
    "api_key": Kept("SELECT *, id AS key FROM api_key WHERE organization = %(organization)s", "id"),
}


class PostgresOrganizationRows:
    """The ``OrganizationRows`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rows(
        self, organization: str, customer: str | None, *, for_staff: bool
    ) -> Iterator[tuple[str, Row]]:
        """Rows of every kind there is a table for, one kind after the other."""
        asked = {
            "organization": organization,
            "customer": customer,
            "for_staff": for_staff,
            "shown": list(CUSTOMERS),
        }
        for kind, kept in KEPT.items():
            if for_staff or kind not in STAFF:
                yield from ((kind, row) for row in self._pages(kind, kept, asked))

    def _pages(self, kind: str, kept: Kept, asked: Mapping[str, object]) -> Iterator[Row]:
        """A connection is borrowed for each page."""
        names = [name for name in COLUMNS[kind] if name != "organization"]
        said = ", ".join(f'"{name}"' for name in names)
        every = f"SELECT {said}, {kept.key} AS _key FROM ({kept.query}) AS every"
        after, values = "", dict(asked)
        while True:
            query = f"SELECT * FROM ({every}) AS keyed {after} ORDER BY _key LIMIT {PAGE}"
            with (
                self._database.connection() as connection,
                connection.cursor(row_factory=dict_row) as cursor,
            ):
                rows = cursor.execute(query.encode(), values).fetchall()
            for row in rows:
                yield {name: _cell(row[name]) for name in names}
            if len(rows) < PAGE:
                return
            after, values["after"] = "WHERE _key > %(after)s", rows[-1]["_key"]


def _cell(value: object) -> Cell:
    """A value as it stands in a row: texts, whole numbers, true or false."""
    match value:
        case None | str() | bool() | int():
            return value
        case datetime():
            return written_utc(value)
        case Decimal():
            return plain(value)
        case _:
            return json.dumps(value, sort_keys=True, ensure_ascii=False)
