"""Dead letters: messages that could not be recorded, kept once each, listed and resolved."""

import hashlib
from collections.abc import Sequence

from adapters.postgres.database import Database, Rows
from application.dead_letters import DeadLetter
from application.messages import Message, Poison

BEGINNING_BYTES = 2_000

ADD = (
    "INSERT INTO dead_letter (digest, body, content_type, content_encoding, place, code, detail,"
    " exchange, routing_key) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
    " ON CONFLICT (digest) WHERE status = 'open' DO UPDATE SET code = excluded.code,"
    " detail = excluded.detail, times = dead_letter.times + 1, last_at = now() RETURNING id"
)
ADD_AGAIN = ADD.replace(", times = dead_letter.times + 1, last_at = now()", "")
LIST = (
    f"SELECT id, code, detail, place, content_type, substring(body FOR {BEGINNING_BYTES}),"
    " length(body), exchange, routing_key, times, first_at, last_at, status, resolved_at,"
    " resolution, resolved_by"
    " FROM dead_letter WHERE status = %s AND id > %s ORDER BY id LIMIT %s"
)
TAKE = (
    "SELECT id, body, content_type, content_encoding, exchange, routing_key FROM dead_letter"
    " WHERE status = 'open' AND id = ANY(%s) ORDER BY id"
)
RESOLVE = (
    "UPDATE dead_letter SET status = %s, resolution = %s, resolved_by = %s, resolved_at = now()"
    " WHERE status = 'open' AND id = ANY(%s)"
)
COUNT = "SELECT count(*) FROM dead_letter WHERE status = 'open'"


class PostgresDeadLetters:
    """The ``DeadLetterStore`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, poison: Sequence[Poison], *, replayed: bool = False) -> Sequence[int]:
        """Keep these, all or none; in one order, so that writers never deadlock."""
        ids = []
        add = ADD_AGAIN if replayed else ADD
        ordered = sorted(poison, key=lambda each: _digest(each.message))
        with self._database.connection() as connection, connection.transaction():
            for each in ordered:
                ids += [row[0] for row in connection.execute(add.encode(), _values(each))]
        return ids

    def list(self, status: str, after: int, limit: int) -> Sequence[DeadLetter]:
        """Letters of a status after an id, by id."""
        with self._database.connection() as connection:
            return [_letter(row) for row in connection.execute(LIST, [status, after, limit])]

    def take(self, ids: Sequence[int]) -> Sequence[tuple[int, Message]]:
        """The open ones among these, by id, with all that was sent."""
        with self._database.connection() as connection:
            return [
                (
                    row[0],
                    Message(
                        body=row[1],
                        content_type=row[2],
                        content_encoding=row[3],
                        exchange=row[4],
                        routing_key=row[5],
                    ),
                )
                for row in connection.execute(TAKE, [list(ids)])
            ]

    def resolve(self, ids: Sequence[int], status: str, resolution: str, actor: str) -> int:
        """End open letters; how many there were."""
        with self._database.connection() as connection:
            return connection.execute(RESOLVE, [status, resolution, actor, list(ids)]).rowcount

    def count(self) -> int:
        """How many are open."""
        with self._database.connection() as connection:
            row = connection.execute(COUNT).fetchone()
        return int(row[0]) if row else 0


def _digest(message: Message) -> bytes:
    kind = f"{message.content_type}\n{message.content_encoding}\n"
    return hashlib.sha256(kind.encode(errors="replace") + message.body).digest()


def _values(each: Poison) -> list[object]:
    message = each.message
    return [
        _digest(message),
        message.body,
        _text(message.content_type),
        _text(message.content_encoding),
        each.index,
        each.code,
        _text(each.detail),
        _text(message.exchange),
        _text(message.routing_key),
    ]


def _text(sent: str) -> str:
    """A text as PostgreSQL can keep it, whatever a stranger put there."""
    return sent.encode(errors="replace").decode().replace("\0", "\ufffd")


def _letter(row: Rows) -> DeadLetter:
    return DeadLetter(
        id=row[0],
        code=row[1],
        detail=row[2],
        index=row[3],
        content_type=row[4],
        beginning=row[5],
        size=row[6],
        exchange=row[7],
        routing_key=row[8],
        times=row[9],
        first_at=row[10],
        last_at=row[11],
        status=row[12],
        resolved_at=row[13],
        resolution=row[14],
        resolved_by=row[15],
    )
