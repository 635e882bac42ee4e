"""Customers and invoices that were imported, in tables of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg.types.json import Jsonb

from adapters.postgres.database import Database, Rows
from domain.period import Period
from projections.imported_invoice import ImportedInvoice, ImportedLine

_PLAIN = (
    "id, customer, organization, number, status, currency, issued_at,"
    " subtotal, discount, tax, total, amount_paid"
)
_NAMES = _PLAIN.replace(" ", "").split(",")
_COLUMNS = f"{_PLAIN}, starts, ends, lines"
# By a link, the newest first, else by a claim. Links stand in the log alone.
_CLAIMS = """
    SELECT DISTINCT ON (customer) customer, organization FROM (
        SELECT convert_from(linked.state, 'UTF8')::json ->> 'customer' AS customer,
               convert_from(registered.state, 'UTF8')::json ->> 'organization' AS organization,
               linked.notification_id AS position
        FROM cyclebook_events_0000_00 AS linked
        JOIN cyclebook_events_0000_00 AS registered
            ON registered.originator_id = linked.originator_id
            AND registered.originator_version = 1
        WHERE starts_with(linked.topic, 'StripeCustomerLinked@')
        UNION ALL
        SELECT customer, organization, 0 FROM imported_customer
    ) AS settled
    WHERE %(customer)s::text IS NULL OR customer = %(customer)s
    ORDER BY customer, position DESC
"""
_CLAIM = (
    "INSERT INTO imported_customer (customer, organization) VALUES (%s, %s) ON CONFLICT DO NOTHING"
)
# What nobody knows any more whose it is, stays whose it was.
_KEEP = (
    f"INSERT INTO imported_invoice ({_COLUMNS}) VALUES ({', '.join(['%s'] * 15)})"
    " ON CONFLICT (id) DO UPDATE SET status = excluded.status, number = excluded.number,"
    " amount_paid = excluded.amount_paid, discount = excluded.discount, tax = excluded.tax,"
    " total = excluded.total, subtotal = excluded.subtotal, lines = excluded.lines,"
    " organization = coalesce(excluded.organization, imported_invoice.organization),"
    " read_at = now()"
)
WHOSE = "(organization = %(organization)s OR organization IS NULL AND customer = %(customer)s)"
"""A customer may have been another organization's before: what that was billed for is its own."""

_NEWEST = (
    f"SELECT {_COLUMNS} FROM imported_invoice WHERE {WHOSE} AND (%(after)s::text IS NULL OR"
    " (issued_at, id) < (SELECT issued_at, id FROM imported_invoice WHERE id = %(after)s))"
    " ORDER BY issued_at DESC, id DESC LIMIT %(limit)s"
)
_EVERY = f"SELECT {_COLUMNS} FROM imported_invoice WHERE {WHOSE} ORDER BY issued_at, id"
_NOBODYS = (
    f"SELECT {_COLUMNS} FROM imported_invoice WHERE organization IS NULL"
    " AND (%(start)s::timestamptz IS NULL OR ends > %(start)s) AND ends <= %(end)s"
    " ORDER BY issued_at, id"
)


class PostgresImported:
    """The ``ImportedStore`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claims(self, customer: str | None = None) -> dict[str, str]:
        """The organization of each customer, or of one."""
        with self._database.connection() as connection:
            rows = connection.execute(_CLAIMS, {"customer": customer})
            return {row[0]: row[1] for row in rows}

    def claim(self, customer: str, organization: str) -> bool:
        """Settle it; whether it is so."""
        with self._database.connection() as connection:
            connection.execute(_CLAIM, [customer, organization])
            row = connection.execute(
                "SELECT organization FROM imported_customer WHERE customer = %s", [customer]
            ).fetchone()
        return row is not None and row[0] == organization

    def known(self, invoices: Sequence[str]) -> dict[str, tuple[str, int, str | None]]:
        """Status, amount paid and organization of those that are kept."""
        with self._database.connection() as connection:
            rows = connection.execute(
                "SELECT id, status, amount_paid, organization FROM imported_invoice"
                " WHERE id = ANY(%s)",
                [list(invoices)],
            )
            return {row[0]: (row[1], row[2], row[3]) for row in rows}

    def keep(self, invoice: ImportedInvoice) -> None:
        """Keep an invoice in place of what was known of it."""
        plain = [getattr(invoice, name) for name in _NAMES]
        lines = Jsonb([_written(line) for line in invoice.lines])
        values = [*plain, invoice.period.start, invoice.period.end, lines]
        with self._database.connection() as connection:
            connection.execute(_KEEP, values)

    def of_organization(
        self, organization: str, customer: str | None, after: str | None, limit: int
    ) -> Sequence[ImportedInvoice]:
        """The newest first."""
        asked = {"organization": organization, "customer": customer}
        return self._read(_NEWEST, {**asked, "after": after, "limit": limit})

    def every_of(self, organization: str, customer: str | None) -> Sequence[ImportedInvoice]:
        """All, oldest first."""
        return self._read(_EVERY, {"organization": organization, "customer": customer})

    def nobodys(self, start: datetime | None, end: datetime) -> Sequence[ImportedInvoice]:
        """Those of no organization."""
        return self._read(_NOBODYS, {"start": start, "end": end})

    def _read(self, query: str, values: Mapping[str, object]) -> list[ImportedInvoice]:
        with self._database.connection() as connection:
            return [_invoice(row) for row in connection.execute(query, values)]


def _invoice(row: Rows) -> ImportedInvoice:
    *plain, starts, ends, lines = row
    return ImportedInvoice(
        **dict(zip(_NAMES, plain, strict=True)),
        period=Period(starts, ends),
        lines=tuple(map(_line, lines)),
    )


def _written(line: ImportedLine) -> dict[str, Any]:
    """A line as JSON holds it: instants and numbers exactly, as text."""
    fields = asdict(line)
    del fields["period"]
    quantity = None if line.quantity is None else str(line.quantity)
    start, end = line.period.start.isoformat(), line.period.end.isoformat()
    return {**fields, "quantity": quantity, "start": start, "end": end}


def _line(kept: dict[str, Any]) -> ImportedLine:
    fields = {name: value for name, value in kept.items() if name not in ("start", "end")}
    said = fields.pop("quantity")
    start, end = (datetime.fromisoformat(kept[name]) for name in ("start", "end"))
    quantity = None if said is None else Decimal(said)
    return ImportedLine(**fields, period=Period(start, end), quantity=quantity)
