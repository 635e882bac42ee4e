"""A cycle's usage in the log, read so that as little as possible of it is opened."""

from collections.abc import Callable, Iterator
from uuid import UUID

import msgspec
from psycopg import Connection

from adapters.postgres import detached, usage_headers
from adapters.postgres.database import Rows
from domain.events.usage import HeaderTally
from projections.usage_tally import Stretch

PAGE = 2000

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

Whole = Callable[[Stretch], bool]


class LoggedUsage:
    """A cycle's usage up to a version, as a ``UsageReader``."""

    def __init__(
        self, connection: Connection[Rows], cycle_id: bytes, cycle_no: int, version: int
    ) -> None:
        self._connection = connection
        self._cycle_id = cycle_id
        self._cycle_no = cycle_no
        self._version = version

    def read(self, whole: Whole, upto: int | None = None) -> Iterator[Stretch]:
        """All usage in the log's order; checkpoints that are not ``whole`` as their events.

        upto: only events of this version and before.
        """
        end = self._version if upto is None else min(upto, self._version)
        rows = self._connection.execute(
            _CHECKPOINTS, [self._cycle_no, end], binary=True, prepare=True
        ).fetchall()
        read = counted = 0
        for last, lo, hi, tallies in rows:
            stretch = Stretch(lo, hi, _tallies(tallies))
            if whole(stretch):
                yield from self.since(read, whole, counted)
                yield stretch
                read = last
            counted = last
        yield from self.since(read, whole, end)

    def since(self, after: int, whole: Whole, upto: int | None = None) -> Iterator[Stretch]:
        """Usage events one by one: of the versions above ``after``, and no later than ``upto``.

        Raises:
            MonthArchived: they are not in the log any more.
        """
        last = self._version if upto is None else min(upto, self._version)
        while after < last:
            rows = self._connection.execute(
                _EVENTS, [UUID(bytes=self._cycle_id), after, last], binary=True, prepare=True
            ).fetchall()
            if not rows:  # no usage since, or the month has left
                detached.require_here(self._connection, [UUID(bytes=self._cycle_id)])
            events = [((self._cycle_id, version), beginning) for version, beginning in rows]
            yield from usage_headers.stretches(
                self._connection, events, lambda place, stretch: whole(stretch)
            )
            after = rows[-1][0] if len(rows) == PAGE else last
