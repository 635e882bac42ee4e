"""The log's rows of a month, read for a copy and put back from one."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from uuid import UUID

from psycopg import Connection

from adapters.postgres import arrays
from adapters.postgres.database import Database, Rows
from adapters.postgres.detached import months
from adapters.postgres.detaching import COLUMNS, bounds, bring_back, detach, row_of
from adapters.postgres.stream_names import name_of
from application.archiving import Copy, Month, Restored
from application.detached import DetachedMonth
from domain.billing_cycle import UNISSUED
from domain.errors import Busy, RuleViolation
from projections.chain import Row

PAGE = 500

_UNISSUED = (
    "SELECT cycle FROM cycle_head WHERE cycle_id >= %s AND cycle_id < %s AND status = ANY(%s)"
    " ORDER BY cycle"
)
_ROWS = (
    f"SELECT {COLUMNS} FROM cyclebook_events WHERE originator_id >= %s AND originator_id < %s"
    " AND notification_id > %s ORDER BY notification_id LIMIT %s"
)
_THERE = (
    f"SELECT {', '.join(f'e.{name}' for name in COLUMNS.split(', '))} FROM cyclebook_events e"
    " JOIN unnest(%b, %b) AS k(stream, version)"
    " ON e.originator_id = k.stream AND e.originator_version = k.version"
)
# A rebuild that is past the month's place would not have its rows.
_NO_REBUILD = "SELECT pg_try_advisory_xact_lock(hashtextextended('cyclebook.rebuild', 0))"
_NOTED = (
    "CREATE TEMPORARY TABLE put_back (stream uuid, version bigint, digest bytea) ON COMMIT DROP"
)
_NOTE = "INSERT INTO put_back VALUES (%s, %s, %s)"
_LINKED = (
    "DELETE FROM put_back p USING chain_link l"
    " WHERE l.stream = p.stream AND l.version = p.version AND l.digest = p.digest"
)
_FOREIGN = "SELECT stream, version FROM put_back LIMIT 1"
_PUT = f"INSERT INTO cyclebook_events ({COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s)"


class PostgresArchive:
    """The ``Archive`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def unissued(self, month: Month) -> Sequence[str]:
        """Its cycles whose invoice is not issued."""
        with self._database.connection() as connection:
            values = [*bounds(month), [each.value for each in UNISSUED]]
            return [row[0] for row in connection.execute(_UNISSUED, values)]

    def rows(self, month: Month) -> Iterator[Row]:
        """Its rows in the log's order. A connection is borrowed for each page."""
        after = 0
        while True:
            with self._database.connection() as connection:
                rows = connection.execute(_ROWS, [*bounds(month), after, PAGE]).fetchall()
            if not rows:
                return
            yield from map(row_of, rows)
            after = rows[-1][2]

    def detach(self, copy: Copy, rows: Iterable[Row], *, by: str, now: datetime) -> DetachedMonth:
        """Take a month out of the log, in one transaction."""
        with self._database.connection() as connection, connection.transaction():
            return detach(connection, copy, rows, by=by, now=now)

    def detached(self) -> Sequence[DetachedMonth]:
        """The months that are not in the log, oldest first."""
        with self._database.connection() as connection:
            return months(connection)

    def restore(self, copy: Copy, rows: Iterable[Row]) -> Restored:
        """Put rows back where they are gone, in one transaction."""
        month = copy.month
        with self._database.connection() as connection, connection.transaction():
            if connection.execute(_NO_REBUILD).fetchone() != (True,):
                raise Busy("a rebuild, or another restore, is under way; try again after it")
            if attached := bring_back(connection, copy, rows):
                return Restored(restored=attached, known=0)
            connection.execute("SELECT ensure_event_partition(%s, %s)", [month.year, month.month])
            return _fill(connection, rows)


def _fill(connection: Connection[Rows], rows: Iterable[Row]) -> Restored:
    """Put back what a month in the log has lost."""
    restored = known = 0
    connection.execute(_NOTED)
    for page in _pages(rows):
        there = _there(connection, page)
        gone = [each for each in page if (each.stream, each.version) not in there]
        _require_same(connection, page, there)
        with connection.cursor() as cursor:
            cursor.executemany(_PUT, [_values(each) for each in gone])
            cursor.executemany(_NOTE, [(each.stream, each.version, each.digest) for each in gone])
        restored += len(gone)
        known += len(there)
    _require_lost(connection)
    return Restored(restored=restored, known=known)


def _require_lost(connection: Connection[Rows]) -> None:
    """Whether all that was put back had been in this log: its links are there still."""
    connection.execute(_LINKED)
    foreign = connection.execute(_FOREIGN).fetchone()
    if foreign is not None:
        stream, version = foreign
        raise RuleViolation(
            f"event {version} of {name_of(connection, stream)} was never in this log: the archive "
            "is of another one, or of a later time; nothing was restored",
            code="archive_differs",
        )


def _pages(rows: Iterable[Row]) -> Iterator[list[Row]]:
    left = iter(rows)
    while page := list(islice(left, PAGE)):
        yield page


def _there(connection: Connection[Rows], page: Sequence[Row]) -> dict[tuple[UUID, int], Row]:
    keys = [
        arrays.uuids([each.stream.bytes for each in page]),
        arrays.bigints([each.version for each in page]),
    ]
    found = map(row_of, connection.execute(_THERE, keys).fetchall())
    return {(each.stream, each.version): each for each in found}


def _require_same(
    connection: Connection[Rows], page: Sequence[Row], there: dict[tuple[UUID, int], Row]
) -> None:
    for each in page:
        known = there.get((each.stream, each.version))
        if known is not None and known != each:
            raise RuleViolation(
                f"event {each.version} of {name_of(connection, each.stream)} is another one in the "
                "log than in the archive; nothing was restored; see cyclebook verify --chain",
                code="archive_differs",
            )


def _values(row: Row) -> list[object]:
    return [row.stream, row.version, row.position, row.topic, row.state, row.recorded_at]
