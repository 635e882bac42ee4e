"""Lists of cycles: an organization's invoices, for people."""

from collections.abc import Sequence

from adapters.postgres.database import Database
from projections.invoice_summary import InvoiceSummary

_COLUMNS = (
    "cycle, organization, currency, starts, ends, status, held, total, credited,"
    " number, issued_at, stripe_invoice, stripe_state, proved_at, position"
)
_NAMES = _COLUMNS.replace(" ", "").split(",")
_INVOICES = (
    f"SELECT {_COLUMNS} FROM invoice_summary WHERE organization = %(organization)s"
    " AND (%(after)s::text IS NULL OR cycle < %(after)s) ORDER BY cycle DESC LIMIT %(limit)s"
)
_HELD = f"SELECT {_COLUMNS} FROM invoice_summary WHERE held IS NOT NULL ORDER BY cycle LIMIT %s"


class PostgresCycleLists:
    """Reads lists of cycles."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def invoices(
        self, organization: str, after: str | None, limit: int
    ) -> Sequence[InvoiceSummary]:
        """An organization's invoices, newest first, after a cycle. A projection: it may lag."""
        values = {"organization": organization, "after": after, "limit": limit}
        with self._database.connection() as connection:
            rows = connection.execute(_INVOICES, values).fetchall()
        return [InvoiceSummary(**dict(zip(_NAMES, row, strict=True))) for row in rows]

    def held(self, limit: int) -> Sequence[InvoiceSummary]:
        """Invoices of all organizations that a hold keeps from being issued, by cycle."""
        with self._database.connection() as connection:
            rows = connection.execute(_HELD, [limit]).fetchall()
        return [InvoiceSummary(**dict(zip(_NAMES, row, strict=True))) for row in rows]
