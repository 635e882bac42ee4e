"""The lines of deliveries: claimed one by one, in order within each, leased, kept for 30 days."""

from datetime import datetime, timedelta

from psycopg import Connection

from adapters.postgres.database import Database, Rows
from adapters.postgres.notices import alone, announce, told
from adapters.postgres.webhook_endpoints import COLUMNS, NAMES, endpoint_of, give_up
from application.delivering import Attempt, Claimed
from application.notices import TEST

KEPT_FOR = timedelta(days=30)
PRUNED_AT_ONCE = 5_000
SYSTEM = "cyclebook"
"""Who disabled an endpoint that failed for days."""

_DUE = """
    SELECT l.endpoint, l.organization FROM webhook_line l
    JOIN webhook_endpoint e ON e.id = l.endpoint
    WHERE {which} AND l.due_at <= %(now)s AND e.enabled
        AND (NOT %(steady)s OR e.failing_since IS NULL)
    ORDER BY l.due_at LIMIT 1 FOR UPDATE OF l SKIP LOCKED
"""
# One after the other: as one question the index is read to its end, however little is due.
_CLAIM = f"""
    WITH urgent AS ({_DUE.format(which="l.urgent")}),
    other AS ({_DUE.format(which="NOT l.urgent AND NOT EXISTS (SELECT FROM urgent)")}),
    line AS (SELECT * FROM urgent UNION ALL SELECT * FROM other)
    UPDATE webhook_line l SET due_at = %(until)s, lease = gen_random_uuid(), urgent = false
    FROM line WHERE (l.endpoint, l.organization) = (line.endpoint, line.organization)
    RETURNING l.endpoint, l.organization, l.lease::text
"""
_FIRST = f"""
    SELECT d.number, d.attempts, {COLUMNS},
        n.number, n.kind, n.organization, n.occurrence, n.at, n.cycle, n.data
    FROM webhook_delivery d JOIN notice n ON n.number = d.notice
    JOIN webhook_endpoint e ON e.id = d.endpoint
    WHERE d.endpoint = %s AND d.organization = %s AND d.status = 'waiting'
    ORDER BY d.number LIMIT 1
"""
# Before its lines, as everybody does: two who had a line each and wanted the endpoint would wait
# for one another.
_HOLD = "SELECT 1 FROM webhook_endpoint WHERE id = %s FOR NO KEY UPDATE"
_OURS = "SELECT 1 FROM webhook_line WHERE (endpoint, organization, lease) = (%s, %s, %s) FOR UPDATE"
_NOTE = """
    UPDATE webhook_delivery SET status = %s, attempts = attempts + 1, tried_at = %s, answer = %s,
        response = %s, error = %s
    WHERE number = %s AND status = 'waiting'
"""
_WORKS = (
    "UPDATE webhook_endpoint SET failing_since = NULL WHERE id = %s AND failing_since IS NOT NULL"
)
_FAILS = "UPDATE webhook_endpoint SET failing_since = %s WHERE id = %s AND failing_since IS NULL"
_DISABLE = (
    "UPDATE webhook_endpoint SET enabled = false, disabled_reason = %s WHERE id = %s AND enabled"
)
_TELL = "INSERT INTO webhook_endpoint_event (endpoint, event, actor) VALUES (%s, 'disabled', %s)"
_LET_GO = """
    UPDATE webhook_line l SET lease = NULL, due_at = coalesce(%s::timestamptz, '-infinity')
    WHERE l.endpoint = %s AND l.organization = %s AND EXISTS (
        SELECT 1 FROM webhook_delivery d WHERE d.endpoint = l.endpoint
            AND d.organization = l.organization AND d.status = 'waiting')
"""
_END = "DELETE FROM webhook_line WHERE endpoint = %s AND organization = %s"
# Somebody who announced something while it was disabled did not see that yet.
_LEFT_OVER = """
    SELECT e.id, coalesce(e.disabled_reason, '') FROM webhook_endpoint e
    WHERE NOT e.enabled AND EXISTS (
        SELECT 1 FROM webhook_delivery d WHERE d.endpoint = e.id AND d.status = 'waiting')
    ORDER BY e.id FOR NO KEY UPDATE OF e
"""
_PRUNE = """
    DELETE FROM webhook_delivery WHERE number IN (
        SELECT number FROM webhook_delivery
        WHERE made_at < clock_timestamp() - %s AND status <> 'waiting'
        ORDER BY made_at LIMIT %s)
"""


class PostgresLines:
    """The ``DeliveryQueue`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, now: datetime, until: datetime, *, steady: bool) -> Claimed | None:
        """The first delivery of a line that is due; ``None`` where no line is."""
        asked = {"now": now, "until": until, "steady": steady}
        with self._database.connection() as connection:
            while row := connection.execute(_CLAIM.encode(), asked).fetchone():
                endpoint, organization, lease = row
                first = connection.execute(_FIRST, [endpoint, organization]).fetchone()
                if first is not None:
                    return _claimed(first, organization, lease)
                _finish(connection, endpoint, organization, lease, None)
        return None

    def finish(self, claimed: Claimed, attempt: Attempt) -> bool:
        """Note what became of it, and let the line go; whether it was still ours."""
        line = claimed.endpoint.id, claimed.line
        with self._database.connection() as connection:
            return _finish(connection, *line, claimed.lease, (claimed, attempt))

    def prune(self) -> int:
        """End what waits for nobody, and delete some deliveries that ended long ago; how many."""
        with self._database.connection() as connection:
            with connection.transaction():
                for endpoint, reason in connection.execute(_LEFT_OVER).fetchall():
                    give_up(connection, endpoint, reason)
            return connection.execute(_PRUNE, [KEPT_FOR, PRUNED_AT_ONCE]).rowcount


def _finish(
    connection: Connection[Rows],
    endpoint: str,
    organization: str,
    lease: str,
    done: tuple[Claimed, Attempt] | None,
) -> bool:
    """Let a line go. Nobody can join it meanwhile: its row is ours."""
    with connection.transaction():
        if done is not None and done[1].disabled:
            alone(connection)
        connection.execute(_HOLD, [endpoint])
        if connection.execute(_OURS, [endpoint, organization, lease]).fetchone() is None:
            return False
        next_at = None
        if done is not None:
            _note(connection, *done)
            next_at = done[1].next_at
        if not connection.execute(_LET_GO, [next_at, endpoint, organization]).rowcount:
            connection.execute(_END, [endpoint, organization])
    return True


def _note(connection: Connection[Rows], claimed: Claimed, attempt: Attempt) -> None:
    about = [attempt.at, attempt.answer, attempt.response, attempt.error]
    connection.execute(_NOTE, [attempt.status, *about, claimed.number])
    endpoint = claimed.endpoint.id
    if attempt.status == "delivered":
        connection.execute(_WORKS, [endpoint])
        return
    if claimed.notice.kind != TEST:
        connection.execute(_FAILS, [attempt.at, endpoint])
    if attempt.disabled and connection.execute(_DISABLE, [attempt.disabled, endpoint]).rowcount:
        connection.execute(_TELL, [endpoint, SYSTEM])
        give_up(connection, endpoint, attempt.disabled)
        announce(connection, attempt.notices, mails=False)


def _claimed(row: Rows, line: str, lease: str) -> Claimed:
    number, attempts, *rest = row
    return Claimed(
        number=number,
        line=line,
        lease=lease,
        attempts=attempts,
        endpoint=endpoint_of(tuple(rest[: len(NAMES)])),
        notice=told(tuple(rest[len(NAMES) :])),
    )
