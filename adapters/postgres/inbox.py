"""The webhook inbox's table: each event of Stripe's once; and how far its own list was read."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from adapters.postgres.database import Database
from application.inbox import Message, Unhandled

_MESSAGE = "event_id, type, object_id, cycle, organization, attempts"
ADD = (
    "INSERT INTO webhook_inbox (event_id, type, object_id, cycle, organization, payload)"
    " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (event_id) DO NOTHING RETURNING event_id"
)
GET = f"SELECT {_MESSAGE} FROM webhook_inbox WHERE event_id = %s AND handled_at IS NULL"
# Taking an event moves its due time on: if the worker dies, it comes up again then.
CLAIM = (
    "UPDATE webhook_inbox SET due_at = %s WHERE event_id IN ("
    " SELECT event_id FROM webhook_inbox WHERE handled_at IS NULL AND due_at <= %s"
    " ORDER BY received_at LIMIT %s FOR UPDATE SKIP LOCKED)"
    f" RETURNING {_MESSAGE}, received_at"
)
HANDLED = (
    "UPDATE webhook_inbox SET handled_at = now(), attempts = attempts + 1, last_error = NULL"
    " WHERE event_id = %s AND handled_at IS NULL"
)
FAILED = (
    "UPDATE webhook_inbox SET attempts = attempts + 1, last_error = %s, due_at = %s"
    " WHERE event_id = %s AND handled_at IS NULL"
)
UNHANDLED = (
    # A lease of a worker that is at it counts as due; -infinity is no instant to show.
    f"SELECT {_MESSAGE}, received_at, nullif(due_at, '-infinity'), last_error FROM webhook_inbox"
    " WHERE handled_at IS NULL AND last_error IS NOT NULL AND event_id > %s"
    " ORDER BY event_id LIMIT %s"
)
RETRY = (
    "UPDATE webhook_inbox SET attempts = 0, due_at = '-infinity'"
    " WHERE handled_at IS NULL AND last_error IS NOT NULL AND (%s::text IS NULL OR event_id = %s)"
)
KEPT_FOR = timedelta(days=30)
"""As long as Stripe keeps its own list of events."""
PRUNED_AT_ONCE = 5_000
PRUNE = (
    "DELETE FROM webhook_inbox WHERE event_id IN ("
    " SELECT event_id FROM webhook_inbox WHERE handled_at < now() - %s"
    " ORDER BY handled_at LIMIT %s)"
)
EVENTS = "events"
SEEN = "SELECT seen_at FROM event_cursor WHERE name = %s"
MOVE = (
    "INSERT INTO event_cursor AS c (name, seen_at) VALUES (%s, %s) ON CONFLICT (name)"
    " DO UPDATE SET seen_at = greatest(c.seen_at, excluded.seen_at)"
)


class PostgresInbox:
    """The ``InboxStore`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, message: Message, payload: bytes) -> bool:
        """Store an event, durably; whether it is new."""
        about = [message.object_id, message.cycle, message.organization]
        values = [message.id, message.type, *about, payload]
        with self._database.connection() as connection:
            return connection.execute(ADD, values).fetchone() is not None

    def get(self, message: str) -> Message | None:
        """An event that is not handled yet, or ``None``."""
        with self._database.connection() as connection:
            row = connection.execute(GET, [message]).fetchone()
        return None if row is None else _message(row)

    def claim(self, now: datetime, until: datetime, limit: int) -> Sequence[Message]:
        """Events due by ``now``, oldest first, kept from other workers ``until`` an instant."""
        with self._database.connection() as connection:
            rows = connection.execute(CLAIM, [until, now, limit]).fetchall()
        return [_message(row) for row in sorted(rows, key=lambda row: row[-1])]

    def handled(self, message: str) -> None:
        """Say that an event is done."""
        with self._database.connection() as connection:
            connection.execute(HANDLED, [message])

    def failed(self, message: str, error: str, due_at: datetime | None) -> None:
        """Keep an event with its error: until ``due_at``, or for a person where ``None``."""
        with self._database.connection() as connection:
            connection.execute(FAILED, [error, due_at, message])

    def unhandled(self, after: str, limit: int) -> Sequence[Unhandled]:
        """Events that failed, by id, after an id."""
        with self._database.connection() as connection:
            rows = connection.execute(UNHANDLED, [after, limit]).fetchall()
        return [
            Unhandled(message=_message(row), received_at=row[-3], due_at=row[-2], error=row[-1])
            for row in rows
        ]

    def retry(self, message: str | None) -> int:
        """Make one event that failed, or all, due at once with all attempts anew; how many."""
        with self._database.connection() as connection:
            return connection.execute(RETRY, [message, message]).rowcount

    def prune(self) -> int:
        """Delete some events that were handled long ago; how many."""
        with self._database.connection() as connection:
            return connection.execute(PRUNE, [KEPT_FOR, PRUNED_AT_ONCE]).rowcount


class PostgresCursor:
    """The ``Cursor`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def seen_at(self) -> datetime | None:
        """Up to when events were read, by Stripe's clock; ``None`` before the first time."""
        with self._database.connection() as connection:
            row = connection.execute(SEEN, [EVENTS]).fetchone()
        return None if row is None else row[0]

    def move(self, to: datetime) -> None:
        """Say up to when events were read. It never goes back."""
        with self._database.connection() as connection:
            connection.execute(MOVE, [EVENTS, to])


def _message(row: tuple[Any, ...]) -> Message:
    id_, type_, object_id, cycle, organization, attempts = row[:6]
    return Message(
        id=id_,
        type=type_,
        object_id=object_id,
        cycle=cycle,
        organization=organization,
        attempts=attempts,
    )
