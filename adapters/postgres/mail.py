"""E-mails that are to be sent, and what members want: tables without addresses."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from adapters.postgres.database import Database
from adapters.postgres.notices import told
from application.mailing import Choices, Mail
from application.notices import Told

KEPT_FOR = timedelta(days=30)
PRUNED_AT_ONCE = 5_000
ERROR_MAX = 500

_NOTICE = "n.number, n.kind, n.organization, n.occurrence, n.at, n.cycle, n.data"
_UNADDRESSED = f"SELECT {_NOTICE} FROM notice n WHERE n.mail_due ORDER BY n.number LIMIT %s"
_ADDRESS = (
    "INSERT INTO mail (notice, organization, member) SELECT %s, %s, unnest(%s::text[])"
    " ON CONFLICT (notice, member) DO NOTHING"
)
_ADDRESSED = "UPDATE notice SET mail_due = false WHERE number = %s AND mail_due"
# Taking one moves its due time on: if the worker dies, it comes up again then.
_CLAIM = f"""
    WITH due AS (
        SELECT number FROM mail WHERE status = 'waiting' AND due_at <= %s
        ORDER BY due_at, number LIMIT 1 FOR UPDATE SKIP LOCKED)
    UPDATE mail m SET due_at = %s, attempts = m.attempts + 1
    FROM due, notice n WHERE m.number = due.number AND n.number = m.notice
    RETURNING m.number, m.member, m.attempts - 1, {_NOTICE}
"""
_SENT = "UPDATE mail SET status = 'sent', error = NULL WHERE number = %s AND status = 'waiting'"
_FAILED = """
    UPDATE mail SET error = %s, due_at = coalesce(%s::timestamptz, due_at),
        status = CASE WHEN %s::timestamptz IS NULL THEN 'given_up' ELSE status END
    WHERE number = %s AND status = 'waiting'
"""
_GIVE_BACK = (
    "UPDATE mail SET error = %s, attempts = attempts - 1, due_at = '-infinity'"
    " WHERE number = %s AND status = 'waiting'"
)
_NOBODY = (
    "UPDATE mail SET status = 'dropped', error = NULL, dropped_by = 'cyclebook',"
    " dropped_because = %s WHERE number = %s AND status = 'waiting'"
)
_CHOICES = "SELECT member, subject, wanted FROM mail_choice WHERE organization = %s"
_CHOOSE = (
    "INSERT INTO mail_choice (organization, member, subject, wanted) VALUES (%s, %s, %s, %s)"
    " ON CONFLICT (organization, member, subject) DO UPDATE SET wanted = excluded.wanted"
)
_PRUNE = """
    DELETE FROM mail WHERE number IN (
        SELECT number FROM mail WHERE made_at < clock_timestamp() - %s AND status <> 'waiting'
        ORDER BY made_at LIMIT %s)
"""


class PostgresMail:
    """The ``MailStore`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def unaddressed(self, limit: int) -> Sequence[Told]:
        """Notices whose readers nobody has looked for yet."""
        with self._database.connection() as connection:
            return [told(row) for row in connection.execute(_UNADDRESSED, [limit])]

    def address(self, notice: Told, members: Sequence[str]) -> None:
        """These members get an e-mail each, if nobody was quicker."""
        with self._database.connection() as connection, connection.transaction():
            if connection.execute(_ADDRESSED, [notice.number]).rowcount:
                values = [notice.number, notice.organization, list(members)]
                connection.execute(_ADDRESS, values)

    def claim(self, now: datetime, until: datetime) -> Mail | None:
        """An e-mail that is due, kept from others for a while."""
        with self._database.connection() as connection:
            row = connection.execute(_CLAIM, [now, until]).fetchone()
        if row is None:
            return None
        number, member, attempts, *notice = row
        return Mail(number=number, member=member, attempts=attempts, notice=told(tuple(notice)))

    def sent(self, mail: Mail) -> None:
        """It was taken by the mail server."""
        with self._database.connection() as connection:
            connection.execute(_SENT, [mail.number])

    def failed(self, mail: Mail, error: str, next_at: datetime | None) -> None:
        """It was not."""
        with self._database.connection() as connection:
            connection.execute(_FAILED, [error[:ERROR_MAX], next_at, next_at, mail.number])

    def give_back(self, mail: Mail, error: str) -> None:
        """It is tried as soon as anything can be sent."""
        with self._database.connection() as connection:
            connection.execute(_GIVE_BACK, [error[:ERROR_MAX], mail.number])

    def nobody(self, mail: Mail, reason: str) -> None:
        """There is nobody to write to."""
        with self._database.connection() as connection:
            connection.execute(_NOBODY, [reason, mail.number])

    def choices(self, organization: str) -> Choices:
        """What an organization's members said."""
        with self._database.connection() as connection:
            rows = connection.execute(_CHOICES, [organization]).fetchall()
        return {(member, subject): wanted for member, subject, wanted in rows}

    def choose(self, organization: str, member: str, wanted: Mapping[str, bool]) -> None:
        """What a member says about some subjects."""
        rows = [(organization, member, subject, yes) for subject, yes in sorted(wanted.items())]
        with self._database.connection() as connection, connection.transaction():
            connection.cursor().executemany(_CHOOSE, rows)

    def prune(self) -> int:
        """Delete some e-mails that ended long ago; how many."""
        with self._database.connection() as connection:
            return connection.execute(_PRUNE, [KEPT_FOR, PRUNED_AT_ONCE]).rowcount
