"""A cycle's events read back from the log for replays: checkpoints first, then what they lack."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

import msgspec
from psycopg import Connection

from adapters.postgres import usage_headers
from adapters.postgres.books import settle
from adapters.postgres.control import read_control
from adapters.postgres.database import Database, Rows
from application.replays import CycleRecord
from domain.errors import NotFound
from domain.events.usage import HeaderTally
from projections.usage_tally import Stretch

PAGE = 2000

_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_HEAD = "SELECT cycle_id, cycle_no FROM cycle_head WHERE cycle = %s"
# Versions and recorded_at rise together, so one version says what was known.
_LAST = (
    "SELECT originator_version, notification_id FROM cyclebook_events WHERE originator_id = %s"
    " AND recorded_at <= coalesce(%s::timestamptz, 'infinity')"
    " ORDER BY originator_version DESC LIMIT 1"
)
_CHECKPOINTS = (
    "SELECT last_version, lo, hi, tallies::text FROM usage_checkpoint"
    " WHERE cycle_no = %s AND last_version <= %s ORDER BY last_version"
)
_EVENTS = (
    f"SELECT originator_version, {usage_headers.BEGINNING} FROM cyclebook_events"
    " WHERE originator_id = %s AND originator_version > %s AND originator_version <= %s"
    f" AND {usage_headers.IS_USAGE} ORDER BY originator_version LIMIT {PAGE}"
)

_tallies = msgspec.json.Decoder(tuple[HeaderTally, ...]).decode


class PostgresCycleRecords:
    """The ``CycleRecords`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def opened(self, cycle: str, known_at: datetime | None = None) -> Iterator[CycleRecord]:
        """What was recorded of a cycle by an instant, at one moment."""
        with self._database.connection() as connection:
            if known_at is not None:
                settle(connection, known_at)
            with connection.transaction():
                connection.execute(_SNAPSHOT)
                yield _read(connection, cycle, known_at)


def _read(connection: Connection[Rows], cycle: str, known_at: datetime | None) -> CycleRecord:
    head = connection.execute(_HEAD, [cycle], binary=True).fetchone()
    if head is None:
        raise NotFound(f"there is no billing cycle {cycle}", cycle=cycle)
    cycle_id, cycle_no = head
    last = connection.execute(_LAST, [UUID(bytes=cycle_id), known_at]).fetchone()
    if last is None:
        raise NotFound(f"nobody knew of billing cycle {cycle} then", cycle=cycle)
    version, position = last
    control = read_control(connection, cycle_id)
    return CycleRecord(
        control=[each for each in control if each.version <= version],
        usage=LoggedUsage(connection, cycle_id, cycle_no, version),
        version=version,
        position=position,
    )


class LoggedUsage:
    """A cycle's usage up to a version, as a ``UsageReader``."""

    def __init__(
        self, connection: Connection[Rows], cycle_id: bytes, cycle_no: int, version: int
    ) -> None:
        self._connection = connection
        self._cycle_id = cycle_id
        self._cycle_no = cycle_no
        self._version = version

    def read(self, whole: Callable[[Stretch], bool]) -> Iterator[Stretch]:
        """All usage in the log's order; checkpoints that are not ``whole`` as their events."""
        rows = self._connection.execute(
            _CHECKPOINTS, [self._cycle_no, self._version], binary=True, prepare=True
        ).fetchall()
        read = counted = 0
        for last, lo, hi, tallies in rows:
            stretch = Stretch(lo, hi, _tallies(tallies))
            if whole(stretch):
                yield from self._events(read, counted, whole)
                yield stretch
                read = last
            counted = last
        yield from self._events(read, self._version, whole)

    def _events(self, after: int, last: int, whole: Callable[[Stretch], bool]) -> Iterator[Stretch]:
        """Usage events of the versions above ``after``, up to ``last``."""
        while after < last:
            rows = self._connection.execute(
                _EVENTS, [UUID(bytes=self._cycle_id), after, last], binary=True, prepare=True
            ).fetchall()
            events = [((self._cycle_id, version), beginning) for version, beginning in rows]
            yield from usage_headers.stretches(
                self._connection, events, lambda place, stretch: whole(stretch)
            )
            after = rows[-1][0] if len(rows) == PAGE else last
