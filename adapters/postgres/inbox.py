"""The webhook inbox's table: each event of Stripe's once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from adapters.postgres.database import Database
from application.inbox import Message

ADD = (
    "INSERT INTO webhook_inbox (event_id, type, object_id, cycle, payload)"
    " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (event_id) DO NOTHING RETURNING event_id"
)
GET = (
    "SELECT event_id, type, object_id, cycle, attempts FROM webhook_inbox"
    " WHERE event_id = %s AND handled_at IS NULL"
)
# Taking an event moves its due time on: if the worker dies, it comes up again then.
CLAIM = (
    "UPDATE webhook_inbox SET due_at = %s WHERE event_id IN ("
    " SELECT event_id FROM webhook_inbox WHERE handled_at IS NULL AND due_at <= %s"
    " ORDER BY received_at LIMIT %s FOR UPDATE SKIP LOCKED)"
    " RETURNING event_id, type, object_id, cycle, attempts, received_at"
)
HANDLED = (
    "UPDATE webhook_inbox SET handled_at = now(), attempts = attempts + 1, last_error = NULL"
    " WHERE event_id = %s AND handled_at IS NULL"
)
FAILED = (
    "UPDATE webhook_inbox SET attempts = attempts + 1, last_error = %s, due_at = %s"
    " WHERE event_id = %s AND handled_at IS NULL"
)


class PostgresInbox:
    """The ``InboxStore`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, message: Message, payload: bytes) -> bool:
        """Store an event, durably; whether it is new."""
        values = [message.id, message.type, message.object_id, message.cycle, payload]
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
        return [_message(row) for row in sorted(rows, key=lambda row: row[5])]

    def handled(self, message: str) -> None:
        """Say that an event is done."""
        with self._database.connection() as connection:
            connection.execute(HANDLED, [message])

    def failed(self, message: str, error: str, due_at: datetime | None) -> None:
        """Keep an event with its error: until ``due_at``, or for a person where ``None``."""
        with self._database.connection() as connection:
            connection.execute(FAILED, [error, due_at, message])


def _message(row: tuple[Any, ...]) -> Message:
    id_, type_, object_id, cycle, attempts = row[:5]
    return Message(id=id_, type=type_, object_id=object_id, cycle=cycle, attempts=attempts)
