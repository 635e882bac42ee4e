"""The log of all events, kept by the eventsourcing library in our own partitioned table."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.persistence import (
    InfrastructureFactory,
    IntegrityError,
    Mapper,
    OperationalError,
    StoredEvent,
)
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresFactory
from eventsourcing.utils import Environment
from psycopg import Connection, Cursor
from psycopg.rows import dict_row

from adapters.postgres import arrays, detached, mapper
from adapters.postgres.database import CONNECT_TIMEOUT_S, Database, Rows
from adapters.postgres.pool import CheckedPool
from domain.errors import ConcurrentChange, StoreUnavailable
from domain.events.base import Recorded

Columns = Sequence[arrays.PackedArray]
"""Versions, topics and states of events."""

LOCK = "LOCK TABLE ONLY cyclebook_events IN EXCLUSIVE MODE"
NOTIFY = "NOTIFY cyclebook_events"
_STAMP = (
    "WITH stamp AS (UPDATE log_clock"
    " SET last = greatest(clock_timestamp(), last + interval '1 microsecond') RETURNING last)"
)
_INTO = (
    "INSERT INTO cyclebook_events"
    " (originator_id, originator_version, topic, state, recorded_at)"
    " SELECT e.id, e.version, e.topic, e.state, stamp.last"
    " FROM unnest(%b, %b, %b, %b) WITH ORDINALITY AS e(id, version, topic, state, place), stamp"
    " ORDER BY e.place RETURNING notification_id"
)
INSERT = f"{_STAMP} {_INTO}"
INSERT_MANY = (
    f"{_STAMP}, stored AS ({_INTO})"
    " SELECT max(notification_id), pg_notify('cyclebook_events', '') FROM stored"
)
"""The same with the notification, answering with the last position only."""
HOLD = "SELECT hold_event_partition(%s) AS held"
LAST_POSITION = "SELECT coalesce(max(notification_id), 0) FROM cyclebook_events"
# The lock comes first: rows are seen as of the moment, partitions as they are, so none may leave.
_SNAPSHOT = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;"
    " LOCK TABLE ONLY cyclebook_events IN ACCESS SHARE MODE"
)
READ = (
    "SELECT originator_version, topic, state, notification_id, recorded_at FROM cyclebook_events"
    " WHERE originator_id = %s AND originator_version > %s ORDER BY originator_version"
)
READ_TOGETHER = (
    "SELECT originator_id, originator_version, topic, state, notification_id, recorded_at"
    " FROM cyclebook_events WHERE originator_id = ANY(%s) ORDER BY notification_id"
)


def at_one_moment(connection: Connection[Rows]) -> None:
    """Begin a transaction with: all of it reads the database, months and rows, at one moment."""
    connection.execute(_SNAPSHOT, prepare=False)


def last_position(connection: Connection[Rows]) -> int:
    """Where the log stands; 0 while it is empty."""
    row = connection.execute(LAST_POSITION, prepare=True).fetchone()
    return int(row[0]) if row else 0


class LogRecorder(PostgresApplicationRecorder):
    """The library's recorder with the log's clock, and one insert for every way of writing.

    The table lock makes the order of positions the order of commits, so a reader that follows
    the log never passes over an event. ``ONLY`` the parent: every writer goes through it.
    """

    def _insert_stored_events(
        self, curs: Cursor[Any], stored_events: Sequence[StoredEvent], **_: Any
    ) -> None:
        for stream in {UUID(bytes=_raw(event.originator_id)) for event in stored_events}:
            _hold_partition(curs, stream)
        insert_events(curs, stored_events)


def _hold_partition(cursor: Cursor[Any], stream: UUID) -> None:
    """Keep a stream's month in the log until the transaction ends: no head does that here.

    Raises:
        MonthArchived: it is detached.
    """
    if any(stream.bytes[:3]):
        held = cursor.execute(HOLD, [stream], prepare=True).fetchone()
        if held is None or not held["held"]:
            months = [detached.month_of_stream(stream)]
            raise detached.refusal(cursor.connection, months)


def insert_events(cursor: Cursor[Any], events: Sequence[StoredEvent]) -> None:
    """Put events at the end of the log within the cursor's transaction.

    Their positions can be fetched from the cursor, in order. Every writer of the log ends here.
    """
    cursor.execute(LOCK, prepare=True)
    cursor.execute(NOTIFY, prepare=False)
    streams, others = columns(events)
    cursor.execute(INSERT, [arrays.uuids(streams), *others], prepare=True)


class LogWriter:
    """Puts events at the end of the log, within its caller's transaction, and locks the log."""

    def insert(self, cursor: Cursor[Any], events: Sequence[StoredEvent]) -> None:
        """Their positions can be fetched from the cursor."""
        insert_events(cursor, events)

    def insert_many(
        self, cursor: Cursor[Rows], last: Cursor[Rows], streams: Sequence[bytes], others: Columns
    ) -> None:
        """The last position can be fetched from ``last``: in a pipeline a cursor has one answer."""
        cursor.execute(LOCK, prepare=True)
        last.execute(INSERT_MANY, [arrays.uuids(streams), *others], prepare=True)


LOG = LogWriter()
"""The usual one."""


def columns(events: Sequence[StoredEvent]) -> tuple[list[bytes], Columns]:
    """The streams of some events, and the other columns."""
    return [_raw(event.originator_id) for event in events], [
        arrays.bigints([event.originator_version for event in events]),
        arrays.texts([event.topic.encode() for event in events]),
        arrays.byteas([event.state for event in events]),
    ]


def _raw(stream: UUID | str | bytes) -> bytes:
    if isinstance(stream, bytes):
        return stream
    return stream.bytes if isinstance(stream, UUID) else UUID(stream).bytes


class CyclebookEvents(Application[UUID]):
    """The library's application object over our database."""

    name = "cyclebook"

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        try:
            super().__init__({"PERSISTENCE_MODULE": "eventsourcing.postgres"})
        except OperationalError as error:
            raise StoreUnavailable("the database does not answer; try again") from error

    def construct_factory(self, env: Environment) -> InfrastructureFactory[Any]:
        """The library's factory; tables come from migrations, connections from one URL."""
        settings = {
            "POSTGRES_DBNAME": "by-url",
            "POSTGRES_HOST": "by-url",
            "POSTGRES_USER": "by-url",
            "POSTGRES_PASSWORD": "by-url",
            "CREATE_TABLE": "no",
            "APPLICATION_RECORDER_TOPIC": f"{LogRecorder.__module__}:{LogRecorder.__name__}",
        }
        factory = PostgresFactory(Environment(self.name, settings))
        factory.datastore.pool = CheckedPool(
            self._conninfo,
            connection_class=Connection[dict[str, Any]],
            kwargs={"row_factory": dict_row, "connect_timeout": CONNECT_TIMEOUT_S},
            configure=_configure,
            min_size=1,
            max_size=4,
            timeout=CONNECT_TIMEOUT_S,
            open=False,
        )
        return factory

    def construct_mapper(self) -> Mapper[UUID]:
        """Our own topics and bodies."""
        return mapper.EventMapper(self.construct_transcoder())


def _configure(connection: Connection[Any]) -> None:
    connection.autocommit = True
    arrays.register(connection)


class PostgresEventLog:
    """The ``EventLog`` port."""

    def __init__(self, database: Database, events: CyclebookEvents) -> None:
        self._database = database
        self._events = events

    def read(self, stream: UUID, after: int = 0) -> Sequence[Recorded]:
        """A stream's events after a version, oldest first."""
        with self._database.connection() as connection:
            return read(connection, stream, after)

    def read_together(self, streams: Collection[UUID]) -> Sequence[Recorded]:
        """The events of several streams, in the log's order."""
        with self._database.connection() as connection:
            rows = connection.execute(READ_TOGETHER, [list(streams)], prepare=True).fetchall()
            detached.require_here(connection, {*streams} - {row[0] for row in rows})
        return [recorded(row[0], row[1:]) for row in rows]

    def append(
        self,
        stream: UUID,
        expected_version: int,
        events: Sequence[object],
        *,
        actor: str,
        at: datetime,
    ) -> int:
        """Append to one stream at an expected version; see ``EventLog``."""
        new: list[Any] = [
            mapper.NewEvent(
                originator_id=stream, originator_version=version, event=event, actor=actor, at=at
            )
            for version, event in enumerate(events, start=expected_version + 1)
        ]
        try:
            recordings = self._events.save(*new)
        except IntegrityError as error:
            raise ConcurrentChange("it was changed by somebody else; read it again") from error
        except OperationalError as error:
            raise StoreUnavailable("the database does not answer; try again") from error
        return recordings[-1].notification.id if recordings else 0


def read(connection: Connection[Rows], stream: UUID, after: int = 0) -> list[Recorded]:
    """A stream's events after a version, oldest first.

    Raises:
        MonthArchived: they are not in the log any more.
    """
    rows = connection.execute(READ, [stream, after], prepare=True).fetchall()
    if not rows:
        detached.require_here(connection, [stream])
    return [recorded(stream, row) for row in rows]


def recorded(stream: UUID, row: Rows) -> Recorded:
    """A row (version, topic, state, position, recorded_at) as an event."""
    version, topic, state, position, recorded_at = row
    return mapper.decode(
        topic,
        bytes(state),
        stream=stream,
        version=version,
        position=position,
        recorded_at=recorded_at,
    )
