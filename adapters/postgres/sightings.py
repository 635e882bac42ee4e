"""What Stripe listed for a reconciliation, kept in a table so that it need not fit in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import msgspec
from psycopg import Connection

from adapters.postgres.database import Database, Rows
from projections.remote_invoice import Issue, RemoteInvoice

PAGE = 200

_KEEP = (
    "INSERT INTO reconciliation_sighting (reconciliation, invoice, cycle, seen)"
    " VALUES (%s, %s, %s, %s)"
    " ON CONFLICT (reconciliation, invoice) DO UPDATE SET cycle = excluded.cycle,"
    " seen = excluded.seen"
)
_COUNT = "SELECT count(*) FROM reconciliation_sighting WHERE reconciliation = %s"
_OF = (
    "SELECT seen FROM reconciliation_sighting WHERE reconciliation = %s AND cycle = %s"
    " UNION SELECT seen FROM reconciliation_sighting WHERE reconciliation = %s AND invoice = %s"
)
_STRANGERS = (
    "SELECT invoice, seen FROM reconciliation_sighting s WHERE reconciliation = %s"
    " AND invoice > %s AND NOT EXISTS (SELECT FROM cycle_head h WHERE h.cycle = s.cycle)"
    " ORDER BY invoice LIMIT %s"
)


class PostgresSightings:
    """The ``Sightings`` port."""

    def __init__(self, database: Database, reconciliation: int) -> None:
        self._database = database
        self._reconciliation = reconciliation
        self._decoder = msgspec.json.Decoder(RemoteInvoice)

    def keep(self, page: Sequence[RemoteInvoice]) -> None:
        """Keep a page, without what is not to be compared or not to be stored."""
        rows = [
            [self._reconciliation, each.id, each.marks.cycle, _encoded(each)]
            for each in {each.id: each for each in page}.values()
        ]
        if rows:
            with self._database.connection() as connection, connection.transaction():
                connection.cursor().executemany(_KEEP, rows)

    def count(self) -> int:
        """How many there are."""
        with self._database.connection() as connection:
            row = connection.execute(_COUNT, [self._reconciliation]).fetchone()
        return int(row[0]) if row else 0

    def of(self, cycle: str, invoice: str | None) -> Sequence[RemoteInvoice]:
        """Those of a cycle, or with an id."""
        values = [self._reconciliation, cycle, self._reconciliation, invoice]
        with self._database.connection() as connection:
            rows = connection.execute(_OF, values, prepare=True).fetchall()
        return [self._decoder.decode(row[0]) for row in rows]

    def strangers(self) -> Iterator[RemoteInvoice]:
        """Those of cycles that do not exist, page by page."""
        after = ""
        while True:
            with self._database.connection() as connection:
                values = [self._reconciliation, after, PAGE]
                rows = connection.execute(_STRANGERS, values).fetchall()
            yield from (self._decoder.decode(seen) for _, seen in rows)
            if len(rows) < PAGE:
                return
            after = rows[-1][0]


def forget(connection: Connection[Rows], reconciliation: int) -> None:
    """Drop what was kept for a reconciliation."""
    connection.execute(
        "DELETE FROM reconciliation_sighting WHERE reconciliation = %s", [reconciliation]
    )


def _encoded(seen: RemoteInvoice) -> bytes:
    return msgspec.json.encode(replace(seen, issue=Issue()))
