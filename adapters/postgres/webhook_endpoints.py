"""Webhook endpoints, and what each was sent and will be."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection

from adapters.postgres.database import Database, Rows
from adapters.postgres.notices import enqueue, told
from application.endpoints import Delivery, WebhookEndpoint
from domain.errors import NotFound

NAMES = (
    "id",
    "url",
    "secret",
    "description",
    "kinds",
    "old_secret",
    "old_until",
    "enabled",
    "disabled_reason",
    "failing_since",
    "made_at",
)
COLUMNS = ", ".join(f"e.{name}" for name in NAMES)
_GIVEN = [name for name in NAMES if name != "made_at"]

_ADD = (
    f"INSERT INTO webhook_endpoint ({', '.join(_GIVEN)})"
    f" VALUES ({', '.join(f'%({name})s' for name in _GIVEN)})"
)
_PUT = (
    "UPDATE webhook_endpoint SET "
    + ", ".join(f"{name} = %({name})s" for name in _GIVEN[1:] if name != "failing_since")
    # Workers note failures meanwhile; here they are only forgotten.
    + ", failing_since = CASE WHEN %(failing_since)s::timestamptz IS NOT NULL"
    " THEN failing_since END WHERE id = %(id)s"
)
_ENABLED = "SELECT enabled FROM webhook_endpoint WHERE id = %s FOR NO KEY UPDATE"
_TELL = "INSERT INTO webhook_endpoint_event (endpoint, event, actor) VALUES (%s, %s, %s)"
_GIVE_UP = (
    "UPDATE webhook_delivery SET status = 'given_up', error = %s"
    " WHERE endpoint = %s AND status = 'waiting'"
)
# In the order in which lines are joined, or who joins two and we would wait for one another.
_HOLD_LINES = (
    "SELECT 1 FROM webhook_line WHERE endpoint = %s ORDER BY endpoint, organization FOR UPDATE"
)
# Before its lines: whoever removes it takes it first, too.
_KEEP = "SELECT 1 FROM webhook_endpoint WHERE id = %s FOR KEY SHARE"
_NO_LINES = "DELETE FROM webhook_line WHERE endpoint = %s"
_DELIVERIES = """
    SELECT d.number, d.endpoint, d.status, d.attempts, d.made_at, d.tried_at,
        CASE WHEN d.status = 'waiting' AND d.number = (
            SELECT min(w.number) FROM webhook_delivery w WHERE w.endpoint = d.endpoint
                AND w.organization = d.organization AND w.status = 'waiting')
            THEN greatest(l.due_at, d.made_at) END,
        d.answer, d.response, d.error,
        n.number, n.kind, n.organization, n.occurrence, n.at, n.cycle, n.data
    FROM webhook_delivery d JOIN notice n ON n.number = d.notice
    LEFT JOIN webhook_line l ON l.endpoint = d.endpoint AND l.organization = d.organization
    WHERE d.endpoint = %(endpoint)s
        AND (%(number)s::bigint IS NULL OR d.number = %(number)s)
        AND (%(status)s::text IS NULL OR d.status = %(status)s)
        AND (%(before)s::bigint IS NULL OR d.number < %(before)s)
    ORDER BY d.number DESC LIMIT %(limit)s
"""
_KNOWN = (
    "SELECT status, organization, notice FROM webhook_delivery WHERE endpoint = %s AND number = %s"
)
_AT_ONCE = (
    "UPDATE webhook_line SET due_at = '-infinity', urgent = true"
    " WHERE endpoint = %s AND organization = %s AND lease IS NULL"
)
_NEWEST = "SELECT max(number) FROM webhook_delivery WHERE endpoint = %s AND notice = %s"
_TEST = (
    "INSERT INTO notice (occurrence, kind, organization, at, data)"
    " VALUES (%s, 'endpoint.test', '', %s, jsonb_build_object('endpoint', %s::text))"
    " RETURNING number"
)


class PostgresEndpoints:
    """The ``EndpointStore`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, endpoint: WebhookEndpoint, actor: str) -> None:
        """Store a new one."""
        with self._database.connection() as connection, connection.transaction():
            connection.execute(_ADD.encode(), _values(endpoint))
            connection.execute(_TELL, [endpoint.id, "created", actor])

    def get(self, endpoint: str) -> WebhookEndpoint | None:
        """One of them."""
        found = self._select("WHERE e.id = %s", [endpoint])
        return found[0] if found else None

    def list(self) -> Sequence[WebhookEndpoint]:
        """All of them, oldest first."""
        return self._select("ORDER BY e.made_at, e.id", [])

    def put(self, endpoint: WebhookEndpoint, event: str, actor: str) -> None:
        """Put this in its row's place; what waits for one that is disabled is given up."""
        with self._database.connection() as connection, connection.transaction():
            was_enabled = connection.execute(_ENABLED, [endpoint.id]).fetchone() == (True,)
            connection.execute(_PUT.encode(), _values(endpoint))
            connection.execute(_TELL, [endpoint.id, event, actor])
            if not (endpoint.enabled and was_enabled):
                give_up(connection, endpoint.id, endpoint.disabled_reason or "")

    def delete(self, endpoint: str, actor: str) -> bool:
        """Remove one, with its deliveries."""
        with self._database.connection() as connection, connection.transaction():
            done = connection.execute("DELETE FROM webhook_endpoint WHERE id = %s", [endpoint])
            if done.rowcount:
                connection.execute(_TELL, [endpoint, "deleted", actor])
        return done.rowcount > 0

    def deliveries(
        self, endpoint: str, status: str | None, before: int | None, limit: int
    ) -> Sequence[Delivery]:
        """What it was sent and will be, newest first."""
        asked = {"endpoint": endpoint, "status": status, "before": before, "limit": limit}
        return self._deliveries({**asked, "number": None})

    def delivery(self, endpoint: str, number: int) -> Delivery | None:
        """One of them."""
        asked = {"endpoint": endpoint, "number": number, "status": None, "before": None}
        found = self._deliveries({**asked, "limit": 1})
        return found[0] if found else None

    def redeliver(self, endpoint: str, number: int) -> int:
        """Try one that waits at once, or put its notice at the end of the line."""
        with self._database.connection() as connection, connection.transaction():
            connection.execute(_KEEP, [endpoint])
            row = connection.execute(_KNOWN, [endpoint, number]).fetchone()
            if row is None:
                raise NotFound(f"webhook endpoint {endpoint} has no delivery {number}")
            status, organization, notice = row
            if status == "waiting":
                connection.execute(_AT_ONCE, [endpoint, organization])
                return number
            return _put_in_line(connection, endpoint, organization, notice)

    def test(self, endpoint: str, occurrence: str, at: datetime) -> int:
        """Put a test in a line of its own, to be tried at once."""
        with self._database.connection() as connection, connection.transaction():
            connection.execute(_KEEP, [endpoint])
            row = connection.execute(_TEST, [occurrence, at, endpoint]).fetchone()
            assert row is not None
            number = _put_in_line(connection, endpoint, occurrence, row[0])
            connection.execute(_AT_ONCE, [endpoint, occurrence])
            return number

    def _select(self, rest: str, values: Sequence[Any]) -> Sequence[WebhookEndpoint]:
        with self._database.connection() as connection:
            query = f"SELECT {COLUMNS} FROM webhook_endpoint e {rest}"
            rows = connection.execute(query.encode(), values).fetchall()
        return [endpoint_of(row) for row in rows]

    def _deliveries(self, values: dict[str, Any]) -> Sequence[Delivery]:
        with self._database.connection() as connection:
            rows = connection.execute(_DELIVERIES, values).fetchall()
        return [_delivery(row) for row in rows]


def give_up(connection: Connection[Rows], endpoint: str, reason: str) -> None:
    """End the lines of an endpoint that is disabled, within the caller's transaction.

    The caller holds the endpoint's row; and no line, unless nobody announces meanwhile.
    """
    connection.execute(_HOLD_LINES, [endpoint])
    connection.execute(_NO_LINES, [endpoint])
    connection.execute(_GIVE_UP, [f"the endpoint is disabled: {reason}", endpoint])


def endpoint_of(row: Rows) -> WebhookEndpoint:
    """A row of the columns above."""
    values = dict(zip(NAMES, row, strict=True))
    values["kinds"] = None if values["kinds"] is None else tuple(values["kinds"])
    return WebhookEndpoint(**values)


def _put_in_line(
    connection: Connection[Rows], endpoint: str, organization: str, notice: int
) -> int:
    enqueue(connection, [(endpoint, organization, notice)])
    row = connection.execute(_NEWEST, [endpoint, notice]).fetchone()
    assert row is not None
    return int(row[0])


def _values(endpoint: WebhookEndpoint) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(endpoint, name) for name in _GIVEN}
    values["kinds"] = None if endpoint.kinds is None else list(endpoint.kinds)
    return values


def _delivery(row: Rows) -> Delivery:
    number, endpoint, status, attempts, made_at, tried_at, next_try_at, *rest = row
    answer, response, error, *notice = rest
    return Delivery(
        number=number,
        endpoint=endpoint,
        notice=told(tuple(notice)),
        status=status,
        attempts=attempts,
        made_at=made_at,
        tried_at=tried_at,
        next_try_at=next_try_at,
        answer=answer,
        response=response,
        error=error,
    )
