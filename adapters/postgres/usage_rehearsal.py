"""Rehearsals: usage goes the way it always goes, within one transaction that is rolled back."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from eventsourcing.persistence import StoredEvent
from psycopg import Connection, Cursor, sql

from adapters.postgres import arrays, event_log
from adapters.postgres.books import PostgresBooks
from adapters.postgres.catalog import PostgresCatalog
from adapters.postgres.database import Database, Rows
from adapters.postgres.event_log import Columns, LogWriter
from adapters.postgres.routing import Routes
from adapters.postgres.usage_plan import Planner, Request
from adapters.postgres.usage_recorder import UsageRecorder
from application.cycles import CycleOpener, every_cycle
from application.ports import Appended
from application.replay_preview import Rehearsal, Standing
from domain.errors import MonthArchived, NotFound
from domain.events.usage import EPOCH
from domain.usage import UsageRecord

ACTOR = "preview"
"""Nobody will ever read it."""

_GIVE_WAY = "SET LOCAL lock_timeout = 1000"
"""What waits here keeps usage of its organization waiting."""

_INTO = sql.SQL(
    "{} AS (INSERT INTO {} (originator_id, originator_version, topic, state, recorded_at)"
    " SELECT id, version, topic, state, clock_timestamp() FROM added"
    " WHERE event_partition(id) = {} ORDER BY place RETURNING notification_id)"
)
_FROM = sql.SQL("SELECT notification_id FROM {}")
_INSERT = sql.SQL(
    "WITH added AS (SELECT * FROM unnest(%b, %b, %b, %b) WITH ORDINALITY"
    " AS e(id, version, topic, state, place)), {} SELECT max(notification_id) FROM ({}) AS stored"
)


class PostgresRehearsals:
    """The ``Rehearsals`` port. now: the clock, aware UTC."""

    def __init__(
        self, database: Database, catalog: PostgresCatalog, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._catalog = catalog
        self._now = now

    @contextmanager
    def of(self, organization: str, since: datetime) -> Iterator[Rehearsal]:
        """A rehearsal. What it caches is its own: it saw what never came to be."""
        with (
            self._database.connection() as connection,
            connection.transaction(force_rollback=True),
        ):
            connection.execute(_GIVE_WAY)
            within = _Within(connection)
            log = _Unlocked()
            books = PostgresBooks(within, self._catalog, log)
            routes = Routes(self._catalog)
            planner = Planner(within, routes, CycleOpener(books, self._now))
            recorder = UsageRecorder(within, routes, planner, log)
            yield _Rehearsal(books, recorder, organization, since)


class _Within(Database):
    """One connection of a database: every transaction on it is part of the one at hand."""

    def __init__(self, connection: Connection[Rows]) -> None:
        self._connection = connection

    @contextmanager
    def connection(self) -> Iterator[Connection[Rows]]:
        """That one."""
        yield self._connection


class _Unlocked(LogWriter):
    """Writes where its transaction alone reads, and locks neither the log nor the log's clock.

    Nobody will ever see in which order. Through the log's table every writer would have to wait;
    so each event goes into its partition itself. Others wait for the first cycle of a month
    alone, which makes that partition.
    """

    def insert(self, cursor: Cursor[Any], events: Sequence[StoredEvent]) -> None:
        """The last position can be fetched."""
        self._insert(cursor, *event_log.columns(events))

    def insert_many(
        self, cursor: Cursor[Rows], last: Cursor[Rows], streams: Sequence[bytes], others: Columns
    ) -> None:
        """The last position can be fetched from ``last``."""
        self._insert(last, streams, others)

    def _insert(self, cursor: Cursor[Any], streams: Sequence[bytes], others: Columns) -> None:
        parts = sorted(set(map(_partition, streams)))
        into = [
            _INTO.format(sql.Identifier(f"in {each}"), sql.Identifier(each), each) for each in parts
        ]
        found = [_FROM.format(sql.Identifier(f"in {each}")) for each in parts]
        query = _INSERT.format(sql.SQL(", ").join(into), sql.SQL(" UNION ALL ").join(found))
        cursor.execute(query, [arrays.uuids(streams), *others])


def _partition(stream: bytes) -> str:
    """Where a stream lies: in the month that its cycle begins in."""
    return f"cyclebook_events_{int.from_bytes(stream[:2], 'big'):04}_{stream[2]:02}"


class _Rehearsal:
    """The ``Rehearsal`` port, within one transaction."""

    def __init__(
        self, books: PostgresBooks, recorder: UsageRecorder, organization: str, since: datetime
    ) -> None:
        self._books = books
        self._recorder = recorder
        self._organization = organization
        self._since = since

    def append(self, records: Sequence[UsageRecord], *, actor: str, now: datetime) -> Appended:
        """Take a batch as the usage log does."""
        request = Request(records=records, actor=actor, now=now)
        self._recorder.append([request])
        return Appended(refusals=request.refusals, position=request.position, late=request.late)

    def standing(self) -> Standing | None:
        """Where the organization stands; first of all this locks its cycles."""
        try:
            return self._since_then(self._since)
        except NotFound:
            return None
        except MonthArchived:  # nothing can be taken there: all that is still in the log
            return self._since_then(EPOCH)

    def _since_then(self, since: datetime) -> Standing:
        with self._books.change(self._organization, actor=ACTOR, since=since) as books:
            return Standing(
                organization=books.organization,
                states=[books.state(cycle) for cycle in every_cycle(books)],
                applied=books.used_credits(),
            )
