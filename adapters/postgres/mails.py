"""E-mails as operators see them, and whether the mail server takes any."""

from collections.abc import Sequence
from datetime import datetime

from adapters.postgres.database import Database, Rows
from application import mailing, signing_in_by_mail
from application.mail_server import MailOutage
from application.mails import MailSeen
from application.notices import notice_id

_LIST = """
    SELECT m.number, n.occurrence, n.kind, m.organization, n.cycle, m.member, m.status, m.attempts,
        m.made_at, CASE m.status WHEN 'waiting' THEN nullif(m.due_at, '-infinity') END, m.error,
        m.dropped_by, m.dropped_because
    FROM mail m JOIN notice n ON n.number = m.notice
    WHERE m.number > %(after)s AND {which} ORDER BY m.number LIMIT %(limit)s
"""
_UNSENT = "m.status IN ('waiting', 'given_up')"
_RETRY = (
    "UPDATE mail SET status = 'waiting', attempts = 0, due_at = '-infinity'"
    " WHERE status = 'given_up' AND (%s::bigint[] IS NULL OR number = ANY(%s))"
)
_DROP = (
    "UPDATE mail SET status = 'dropped', dropped_because = %s, dropped_by = %s"
    " WHERE status IN ('waiting', 'given_up') AND number = ANY(%s)"
)
_LINKS = "SELECT count(*) FROM sign_in_request WHERE address IS NOT NULL"
_OUTAGE = "SELECT since, reason FROM mail_outage"
_BEGIN = (
    "INSERT INTO mail_outage (since, reason, probe_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
)
_RENEW = "UPDATE mail_outage SET reason = %s WHERE reason <> %s"
_PROBE = "UPDATE mail_outage SET probe_at = %s WHERE probe_at <= %s"
_END = "DELETE FROM mail_outage RETURNING since, reason"
# What is due within a lease may be somebody's who claimed it before the outage and is still at it.
_AT_ONCE = (
    ("UPDATE mail SET due_at = %s WHERE status = 'waiting' AND due_at > %s", mailing.LEASE),
    (
        "UPDATE sign_in_request SET due_at = %s WHERE address IS NOT NULL AND due_at > %s",
        signing_in_by_mail.LEASE,
    ),
)


class PostgresMails:
    """The ``MailList`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, status: str | None, after: int, limit: int) -> Sequence[MailSeen]:
        """Those of a status, or all that are neither sent nor dropped."""
        which = _UNSENT if status is None else "m.status = %(status)s"
        asked = {"status": status, "after": after, "limit": limit}
        with self._database.connection() as connection:
            rows = connection.execute(_LIST.format(which=which).encode(), asked).fetchall()
        return [_seen(row) for row in rows]

    def retry(self, numbers: Sequence[int] | None) -> int:
        """Have some that were given up sent at once, or all."""
        named = None if numbers is None else list(numbers)
        with self._database.connection() as connection:
            return connection.execute(_RETRY, [named, named]).rowcount

    def drop(self, numbers: Sequence[int], reason: str, actor: str) -> int:
        """Some will not be sent."""
        with self._database.connection() as connection:
            return connection.execute(_DROP, [reason, actor, list(numbers)]).rowcount

    def links_waiting(self) -> int:
        """How many links to sign in are still to be sent."""
        with self._database.connection() as connection:
            row = connection.execute(_LINKS).fetchone()
        return int(row[0]) if row else 0


class PostgresMailOutage:
    """The ``OutageStore`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def outage(self) -> MailOutage | None:
        """The one that lasts."""
        with self._database.connection() as connection:
            return _outage(connection.execute(_OUTAGE, prepare=True).fetchone())

    def begin(self, outage: MailOutage, probe_at: datetime) -> bool:
        """Note that one begins; whether nobody had noted it."""
        row = [outage.since, outage.reason, probe_at]
        with self._database.connection() as connection:
            return connection.execute(_BEGIN, row).rowcount > 0

    def renew(self, reason: str) -> bool:
        """Note why the one that lasts does by now; whether that is another reason than before."""
        with self._database.connection() as connection:
            return connection.execute(_RENEW, [reason, reason]).rowcount > 0

    def may_probe(self, now: datetime, probe_at: datetime) -> bool:
        """Whether it is for us to ask the server now."""
        with self._database.connection() as connection:
            return connection.execute(_PROBE, [probe_at, now]).rowcount > 0

    def end(self, now: datetime) -> MailOutage | None:
        """Note that it is over, and have all that waits sent."""
        with self._database.connection() as connection, connection.transaction():
            over = _outage(connection.execute(_END).fetchone())
            for statement, lease in _AT_ONCE if over else ():
                connection.execute(statement.encode(), [now, now + lease])
            return over


def _outage(row: Rows | None) -> MailOutage | None:
    return None if row is None else MailOutage(since=row[0], reason=row[1])


def _seen(row: Rows) -> MailSeen:
    number, occurrence, kind, organization, cycle, member, status, attempts, *rest = row
    made_at, due_at, error, dropped_by, dropped_because = rest
    return MailSeen(
        number=number,
        notice=notice_id(occurrence),
        kind=kind,
        organization=organization,
        cycle=cycle,
        member=member,
        status=status,
        attempts=attempts,
        made_at=made_at,
        due_at=due_at,
        error=error,
        dropped_by=dropped_by,
        dropped_because=dropped_because,
    )
