"""Change requests, in the table ``change_request``."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from psycopg.types.json import Jsonb

from adapters.postgres import mapper
from adapters.postgres.database import Database, Rows
from application.kept_changes import LASTS, LEFT_FOR, Asked, ChangeRequest, Stake

_COLUMNS = (
    "number, operation, path, query, body, actor, asked_at, expires_at, above, amount, currency,"
    " differences, preview, decision, decided_at, decided_by, reason, begun_by, begun_reason,"
    " begun_after, begun_by IS NOT NULL AND claimed_till = '-infinity' AS in_part"
)
ADD = (
    "INSERT INTO change_request (operation, path, query, body, actor, asked_at, expires_at, above,"
    " amount, currency, differences, preview)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING number"
)
GET = f"SELECT {_COLUMNS} FROM change_request WHERE number = %s"
LIST = (
    f"SELECT {_COLUMNS} FROM change_request"
    " WHERE (%(state)s::text IS NULL OR %(state)s = coalesce(decision,"
    " CASE WHEN expires_at <= %(now)s AND begun_by IS NULL THEN 'expired' ELSE 'waiting' END))"
    " AND (%(before)s::bigint IS NULL OR number < %(before)s)"
    " ORDER BY number DESC LIMIT %(limit)s"
)
# The lock ends with the connection: nobody else decides while somebody is at it, however long that
# takes. What a process sent before it died may still be stored: whoever first finds that it is gone
# leaves the request alone for a while. So claimed_till is infinite while it is carried out, then a
# time, and -infinity where nothing is uncertain: it was not begun, or is known to be done in part.
ALONE = "SELECT pg_try_advisory_lock(hashtextextended('cyclebook.change-request', %s))"
AT_REST = (
    "UPDATE change_request SET claimed_till = least(claimed_till, clock_timestamp() + %s)"
    " WHERE number = %s RETURNING claimed_till <= clock_timestamp()"
)
RELEASE = "SELECT pg_advisory_unlock(hashtextextended('cyclebook.change-request', %s))"
BEGIN = (
    "UPDATE change_request SET begun_by = %s, begun_reason = %s,"
    " begun_after = coalesce(begun_after,"
    " (SELECT coalesce(max(notification_id), 0) FROM cyclebook_events)),"
    " claimed_till = 'infinity' WHERE number = %s"
)
IN_PART = "UPDATE change_request SET claimed_till = '-infinity' WHERE number = %s"
FORGET_BEGUN = (
    "UPDATE change_request SET begun_by = NULL, begun_reason = NULL, begun_after = NULL,"
    " claimed_till = '-infinity' WHERE number = %s"
)
UNCERTAIN = (
    "SELECT number FROM change_request WHERE begun_by IS NOT NULL AND decision IS NULL"
    " AND claimed_till > '-infinity'"
)
# Few events have the name anywhere; only their JSON is read. What Stripe answered may have been
# heard by somebody else, who sent a call again.
_BY = "convert_from(state, 'UTF8')::json ->> 'actor'"
TRACES = (
    "WITH led AS (SELECT originator_id, topic, state FROM cyclebook_events"
    " WHERE notification_id > %(after)s AND CASE WHEN NOT starts_with(topic, 'UsageRecorded@')"
    " AND position(%(mark)s::bytea IN state) > 0"
    f" THEN starts_with({_BY}, %(asker)s) AND right({_BY}, length(%(name)s)) = %(name)s"
    " ELSE false END)"
    " SELECT topic, state FROM led UNION ALL SELECT topic, state FROM cyclebook_events"
    " WHERE notification_id > %(after)s AND starts_with(topic, 'CallAnswered@')"
    " AND originator_id IN (SELECT originator_id FROM led)"
)
SHOW = (
    "UPDATE change_request SET amount = %s, currency = %s, differences = %s, preview = %s"
    " WHERE number = %s"
)
DECIDE = (
    "UPDATE change_request SET decision = %s, decided_by = %s, reason = %s, decided_at = %s"
    " WHERE number = %s AND decision IS NULL"
)
_DIGITS_MAX = 18


class PostgresChangeRequests:
    """The ``ChangeRequestStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, asked: Asked, stake: Stake, above: int, actor: str, at: datetime) -> str:
        """Keep one; its id."""
        values = [
            asked.operation,
            Jsonb(dict(asked.path)),
            Jsonb(dict(asked.query)),
            Jsonb(asked.body),
            actor,
            at,
            at + LASTS,
            above,
            *_shown(stake),
        ]
        with self._database.connection() as connection:
            row = connection.execute(ADD, values).fetchone()
        assert row is not None  # INSERT ... RETURNING answers a row
        return str(row[0])

    def get(self, request: str) -> ChangeRequest | None:
        """One by its id."""
        number = _number(request)
        if number is None:
            return None
        with self._database.connection() as connection:
            row = connection.execute(GET, [number]).fetchone()
        return None if row is None else _request(row)

    def list(
        self, state: str | None, before: str | None, limit: int, now: datetime
    ) -> Sequence[ChangeRequest]:
        """Those in a state, or all; the newest first, before another one."""
        number = None if before is None else _number(before) or 0
        values = {"state": state, "before": number, "limit": limit, "now": now}
        with self._database.connection() as connection:
            rows = connection.execute(LIST, values).fetchall()
        return [_request(row) for row in rows]

    @contextmanager
    def alone(self, request: str) -> Iterator[bool]:
        """Keep others from deciding; whether nobody else is. A connection is held meanwhile."""
        number = _number(request)
        with self._database.connection() as connection:
            if connection.execute(ALONE, [number]).fetchone() != (True,):
                yield False
                return
            try:
                yield connection.execute(AT_REST, [LEFT_FOR, number]).fetchone() == (True,)
            finally:
                connection.execute(RELEASE, [number])

    def begin(self, request: str, actor: str, reason: str | None) -> None:
        """Note that it is approved and about to be carried out, or to be finished."""
        with self._database.connection() as connection:
            connection.execute(BEGIN, [actor, reason, _number(request)])

    def note_in_part(self, request: str) -> None:
        """A part of it was carried out, and nobody is at it."""
        with self._database.connection() as connection:
            connection.execute(IN_PART, [_number(request)])

    def forget_begun(self, request: str) -> None:
        """It was not carried out after all."""
        with self._database.connection() as connection:
            connection.execute(FORGET_BEGUN, [_number(request)])

    def uncertain(self) -> Sequence[str]:
        """Those that are being carried out, or were when something broke off."""
        with self._database.connection() as connection:
            return [str(number) for (number,) in connection.execute(UNCERTAIN)]

    def traces(self, known: ChangeRequest) -> Sequence[object]:
        """The events it has led to, and Stripe's answers. The log is read since it was begun."""
        values = {
            "after": known.begun_after,
            "mark": known.name.encode(),
            "asker": known.approved_by,
            "name": known.name,
        }
        with self._database.connection() as connection:
            rows = connection.execute(TRACES, values).fetchall()
        return [mapper.decode_event(topic, bytes(state)) for topic, state in rows]

    def show(self, request: str, stake: Stake) -> None:
        """Remember what was shown last."""
        with self._database.connection() as connection:
            connection.execute(SHOW, [*_shown(stake), _number(request)])

    def decide(
        self, request: str, decision: str, actor: str, reason: str | None, at: datetime
    ) -> None:
        """Note what became of one."""
        with self._database.connection() as connection:
            connection.execute(DECIDE, [decision, actor, reason, at, _number(request)])


def _number(request: str) -> int | None:
    """The row that an id names; no other text names one."""
    known = request.isascii() and request.isdecimal() and len(request) <= _DIGITS_MAX
    return int(request) if known else None


def _shown(stake: Stake) -> list[object]:
    preview = None if stake.preview is None else Jsonb(dict(stake.preview))
    return [stake.amount, stake.currency, Jsonb(dict(stake.differences)), preview]


def _request(row: Rows) -> ChangeRequest:
    number, operation, path, query, body, actor, asked_at, expires_at, above, *rest = row
    amount, currency, differences, preview, decision, decided_at, decided_by, reason = rest[:8]
    begun_by, begun_reason, begun_after, in_part = rest[8:]
    return ChangeRequest(
        id=str(number),
        asked=Asked(operation=operation, path=path, query=query, body=body),
        actor=actor,
        asked_at=asked_at,
        expires_at=expires_at,
        above=above,
        stake=Stake(amount=amount, currency=currency, differences=differences, preview=preview),
        decision=decision,
        decided_at=decided_at,
        decided_by=decided_by,
        reason=reason,
        begun_by=begun_by,
        begun_reason=begun_reason,
        begun_after=begun_after,
        in_part=in_part,
    )
