"""Change requests, in the table ``change_request``."""

from collections.abc import Sequence
from datetime import datetime

from psycopg.types.json import Jsonb

from adapters.postgres.database import Database, Rows
from application.change_requests import (
    CLAIMED,
    LASTS,
    Asked,
    ChangeRequest,
    Stake,
)

_COLUMNS = (
    "number, operation, path, query, body, actor, asked_at, expires_at, above, amount, currency,"
    " differences, preview, decision, decided_at, decided_by, reason"
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
    " CASE WHEN expires_at <= %(now)s THEN 'expired' ELSE 'waiting' END))"
    " AND (%(before)s::bigint IS NULL OR number < %(before)s)"
    " ORDER BY number DESC LIMIT %(limit)s"
)
CLAIM = (
    "UPDATE change_request SET claimed_till = %s"
    " WHERE number = %s AND decision IS NULL AND claimed_till <= %s AND expires_at > %s"
)
RELEASE = "UPDATE change_request SET claimed_till = '-infinity' WHERE number = %s"
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

    def claim(self, request: str, now: datetime) -> bool:
        """Keep others from deciding; whether nobody else is, or has."""
        with self._database.connection() as connection:
            values = [now + CLAIMED, _number(request), now, now]
            return connection.execute(CLAIM, values).rowcount == 1

    def release(self, request: str) -> None:
        """Let others decide again."""
        with self._database.connection() as connection:
            connection.execute(RELEASE, [_number(request)])

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
    amount, currency, differences, preview, decision, decided_at, decided_by, reason = rest
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
    )
