"""Quarantined usage records: listed, taken for a replay, resolved."""

from collections.abc import Sequence

import msgspec

from adapters.postgres.database import Database, Rows
from application.quarantine import QuarantineEntry
from domain.usage import UsageRecord

COLUMNS = (
    "SELECT id, record, code, detail, actor, received_at, status, resolved_at, resolution,"
    " resolved_by"
    " FROM quarantine"
)
LIST = f"{COLUMNS} WHERE status = %s AND id > %s ORDER BY id LIMIT %s"
TAKE = f"{COLUMNS} WHERE status = 'open' AND id = ANY(%s) ORDER BY id"
RESOLVE = (
    "UPDATE quarantine SET status = %s, resolution = %s, resolved_by = %s, resolved_at = now()"
    " WHERE status = 'open' AND id = ANY(%s)"
)


class PostgresQuarantine:
    """The ``QuarantineStore`` port; the usage path fills the table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, status: str, after: int, limit: int) -> Sequence[QuarantineEntry]:
        """Entries of a status after an id, by id."""
        with self._database.connection() as connection:
            return [_entry(row) for row in connection.execute(LIST, [status, after, limit])]

    def take(self, ids: Sequence[int]) -> Sequence[QuarantineEntry]:
        """The open ones among these, by id."""
        with self._database.connection() as connection:
            return [_entry(row) for row in connection.execute(TAKE, [list(ids)])]

    def resolve(self, ids: Sequence[int], status: str, resolution: str, actor: str) -> int:
        """End open entries; how many there were."""
        with self._database.connection() as connection:
            return connection.execute(RESOLVE, [status, resolution, actor, list(ids)]).rowcount


def _entry(row: Rows) -> QuarantineEntry:
    return QuarantineEntry(
        id=row[0],
        record=msgspec.convert(row[1], UsageRecord),
        code=row[2],
        detail=row[3],
        actor=row[4],
        received_at=row[5],
        status=row[6],
        resolved_at=row[7],
        resolution=row[8],
        resolved_by=row[9],
    )
