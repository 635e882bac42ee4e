"""The log in pages, for projections: control events decoded, usage by the beginning of its body."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import Connection

from adapters.postgres import mapper, usage_headers
from adapters.postgres.database import Rows

_PAGE = (
    "SELECT notification_id, originator_id, originator_version, topic, recorded_at,"
    f" CASE WHEN {usage_headers.IS_USAGE} THEN {usage_headers.BEGINNING} ELSE state END"
    " FROM cyclebook_events WHERE notification_id > %s AND notification_id <= %s"
    " ORDER BY notification_id LIMIT %s"
)
_LAST = "SELECT coalesce(max(notification_id), 0) FROM cyclebook_events"
END = 2**62
"""A position after every event there will ever be."""


@dataclass(slots=True)
class Logged:
    """One event of a page. stream: raw bytes.

    event: ``None`` for usage, which has the beginning of its body instead.
    """

    position: int
    stream: bytes
    version: int
    recorded_at: datetime
    event: object
    beginning: bytes


def read(connection: Connection[Rows], after: int, size: int, until: int = END) -> Sequence[Logged]:
    """The next events after a position, and not after another one.

    Raises:
        UnknownTopic: the log holds an event this release does not know.
    """
    rows = connection.execute(_PAGE, [after, until, size], binary=True, prepare=True)
    return [_logged(row) for row in rows]


def last(connection: Connection[Rows]) -> int:
    """Position of the log's last event, 0 while there is none."""
    row = connection.execute(_LAST, prepare=True).fetchone()
    return row[0] if row else 0


def _logged(row: Rows) -> Logged:
    position, stream, version, topic, recorded_at, state = row
    if topic == mapper.USAGE:
        return Logged(position, stream, version, recorded_at, None, state)
    recorded = mapper.decode(
        topic,
        state,
        stream=UUID(bytes=stream),
        version=version,
        position=position,
        recorded_at=recorded_at,
    )
    return Logged(position, stream, version, recorded_at, recorded.event, b"")
