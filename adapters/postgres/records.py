"""A cycle's events read back from the log for replays: checkpoints first, then what they lack."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from psycopg import Connection

from adapters.postgres import detached, event_log
from adapters.postgres.books import settle
from adapters.postgres.control import read_control
from adapters.postgres.database import Database, Rows
from adapters.postgres.logged_usage import LoggedUsage
from application.replays import CycleRecord
from domain.errors import NotFound

_HEAD = "SELECT cycle_id, cycle_no FROM cycle_head WHERE cycle = %s"
# Versions and recorded_at rise together, so one version says what was known.
_LAST = (
    "SELECT originator_version, notification_id FROM cyclebook_events WHERE originator_id = %s"
    " AND recorded_at <= coalesce(%s::timestamptz, 'infinity')"
    " ORDER BY originator_version DESC LIMIT 1"
)


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
                event_log.at_one_moment(connection)
                yield _read(connection, cycle, known_at)


def _read(connection: Connection[Rows], cycle: str, known_at: datetime | None) -> CycleRecord:
    head = connection.execute(_HEAD, [cycle], binary=True).fetchone()
    if head is None:
        raise NotFound(f"there is no billing cycle {cycle}", cycle=cycle)
    cycle_id, cycle_no = head
    last = connection.execute(_LAST, [UUID(bytes=cycle_id), known_at]).fetchone()
    if last is None:
        detached.require_here(connection, [UUID(bytes=cycle_id)])
        raise NotFound(f"nobody knew of billing cycle {cycle} then", cycle=cycle)
    version, position = last
    control = read_control(connection, cycle_id)
    return CycleRecord(
        control=[each for each in control if each.version <= version],
        usage=LoggedUsage(connection, cycle_id, cycle_no, version),
        version=version,
        position=position,
    )
