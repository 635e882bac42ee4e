"""Open discrepancies in PostgreSQL: the projection that keeps them, and its lists."""

import hashlib
from collections.abc import Sequence
from uuid import UUID

from psycopg import Connection

from adapters.postgres.database import Database, Rows
from adapters.postgres.log_pages import Logged
from application.discrepancies import DiscrepancyFilter, OpenDiscrepancy, cents
from domain.events.stripe_invoice import (
    DiscrepancyDismissed,
    DiscrepancyFound,
    DiscrepancyResolved,
)

_OPEN = (
    "INSERT INTO open_discrepancy{suffix} AS d"
    " (id, stripe_id, kind, key, ours, theirs, invoice, since, number, position)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO UPDATE SET"
    " ours = excluded.ours, theirs = excluded.theirs, invoice = excluded.invoice,"
    " position = excluded.position"
)
_CLOSE = "DELETE FROM open_discrepancy{suffix} WHERE id = %s"
_LIST = (
    "SELECT d.id, s.cycle, s.organization, s.currency, d.kind, d.key, d.ours, d.theirs,"
    " d.invoice, d.since, d.number"
    " FROM open_discrepancy d JOIN invoice_summary s ON s.stripe_id = d.stripe_id"
)
_PAGE = (
    f"{_LIST} WHERE d.number > %(after)s"
    " AND (%(organization)s::text IS NULL OR s.organization = %(organization)s)"
    " AND (%(cycle)s::text IS NULL OR s.cycle = %(cycle)s)"
    " AND (%(kind)s::text IS NULL OR d.kind = %(kind)s)"
    " ORDER BY d.number LIMIT %(limit)s"
)
_ONE = f"{_LIST} WHERE d.id = %s"


class OpenDiscrepancies:
    """The read model: a row for as long as Stripe differs in a way and nobody accepted it."""

    tables = ("open_discrepancy",)

    def fold(self, connection: Connection[Rows], page: Sequence[Logged], suffix: str = "") -> None:
        """Take a page's discrepancies into account, in their order."""
        opening, closing = _OPEN.replace("{suffix}", suffix), _CLOSE.replace("{suffix}", suffix)
        for each in page:
            match each.event:
                case DiscrepancyFound():
                    connection.execute(opening.encode(), _row(each, each.event))
                case DiscrepancyResolved():
                    gone = _id(each.stream, each.event.discrepancy)
                    connection.execute(closing.encode(), [gone])
                case DiscrepancyDismissed():
                    gone = _id(each.stream, each.event.discrepancy.id)
                    connection.execute(closing.encode(), [gone])


def _id(stream: bytes, discrepancy: str) -> str:
    """A name for a discrepancy of a cycle that fits into an address and stays the same."""
    return hashlib.blake2b(stream + discrepancy.encode(), digest_size=10).hexdigest()


def _row(logged: Logged, event: DiscrepancyFound) -> list[object]:
    found = event.discrepancy
    return [
        _id(logged.stream, found.id),
        UUID(bytes=logged.stream),
        found.kind,
        found.key,
        found.ours,
        found.theirs,
        event.invoice,
        logged.recorded_at,
        logged.position,
        logged.position,
    ]


class PostgresDiscrepancies:
    """The ``DiscrepancyLists`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, wanted: DiscrepancyFilter, after: int, limit: int) -> Sequence[OpenDiscrepancy]:
        """Open ones after a number, the oldest first."""
        values = {
            "organization": wanted.organization,
            "cycle": wanted.cycle,
            "kind": wanted.kind,
            "after": after,
            "limit": limit,
        }
        with self._database.connection() as connection:
            return [_shown(row) for row in connection.execute(_PAGE, values).fetchall()]

    def get(self, discrepancy: str) -> OpenDiscrepancy | None:
        """An open one."""
        with self._database.connection() as connection:
            row = connection.execute(_ONE, [discrepancy]).fetchone()
        return _shown(row) if row else None


def _shown(row: Rows) -> OpenDiscrepancy:
    id_, cycle, organization, currency, kind, key, ours, theirs, invoice, since, number = row
    return OpenDiscrepancy(
        id=id_,
        cycle=cycle,
        organization=organization,
        currency=currency,
        kind=kind,
        key=key,
        ours=ours,
        theirs=theirs,
        cents=cents(kind, ours, theirs),
        invoice=invoice,
        since=since,
        number=number,
    )
