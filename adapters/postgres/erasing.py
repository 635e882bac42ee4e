"""Everything personal outside the log: how rows of a person go, and rows that quote them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from psycopg import Connection

from adapters.postgres.database import Database, Rows
from adapters.postgres.stream_names import name_of
from application.erasing import Person
from domain.identity import case_stream, cycle_stream, organization_stream, stripe_stream

GONE = "erased"
"""What stands where an address stood in a text that stays."""

_CASES = "SELECT DISTINCT case_id FROM case_text WHERE organization = %s"
_CYCLES = "SELECT cycle FROM cycle_head WHERE organization = %s"
_EMAIL = "SELECT email FROM member_directory WHERE organization = %s AND member = %s FOR UPDATE"

_OF_THEM: Mapping[str, tuple[str, ...]] = {
    "member_directory": (
        "DELETE FROM member_directory WHERE organization = %(organization)s AND member = %(user)s",
    ),
    "case_text": (
        "UPDATE case_text SET body = NULL, salt = NULL, erased_at = %(at)s, erased_by = %(by)s"
        " WHERE text_id = ANY(%(texts)s) AND body IS NOT NULL",
    ),
    "invoice_feedback": (
        "UPDATE invoice_feedback SET comment = NULL"
        " WHERE organization = %(organization)s AND actor = %(actor)s AND comment IS NOT NULL",
    ),
    "mail": ("DELETE FROM mail WHERE organization = %(organization)s AND member = %(user)s",),
    "mail_choice": (
        "DELETE FROM mail_choice WHERE organization = %(organization)s AND member = %(user)s",
    ),
    "web_session": (
        "DELETE FROM web_session WHERE organization = %(organization)s AND actor = %(actor)s",
    ),
    "sign_in_link": ("DELETE FROM sign_in_link WHERE actor = %(actor)s",),
    "stripe_call_private": (
        "DELETE FROM stripe_call_private WHERE organization = %(organization)s",
    ),
    "notice_read": (
        "DELETE FROM notice_read WHERE organization = %(organization)s AND reader = %(actor)s",
    ),
}
"""Rows about them."""

_NAME = (
    "UPDATE organization_directory SET name = '' WHERE organization = %(organization)s"
    " AND name <> ''"
)

_QUOTING: Mapping[str, Mapping[str, str]] = {
    "invoice_feedback": {"comment": "text"},
    "mail": {"error": "text", "dropped_because": "text"},
    "sign_in_request": {"error": "text"},
    "webhook_delivery": {"response": "text", "error": "text"},
    "webhook_inbox": {"payload": "bytea", "last_error": "text"},
    "idempotent_answer": {"body": "bytea"},
    "change_request": {
        "path": "jsonb",
        "query": "jsonb",
        "body": "jsonb",
        "preview": "jsonb",
        "reason": "text",
        "begun_reason": "text",
    },
    "quarantine": {"record": "jsonb", "detail": "text", "resolution": "text"},
    "usage_conflict": {"received": "jsonb"},
    "dead_letter": {"body": "bytea", "detail": "text"},
    "journal_customer": {"email": "text", "name": "text"},
    "sync_queue": {"last_error": "text"},
    "schedule_run": {"error": "text"},
}
"""Rows that may quote an address: by column and its type."""

_BY_ADDRESS: Mapping[str, str] = {
    # A text in a case is sealed: it cannot lose a word, only all of them.
    "case_text": (
        "UPDATE case_text SET body = NULL, salt = NULL, erased_at = %(at)s, erased_by = %(by)s"
        " WHERE body ~* %(pattern)s"
    ),
    "sign_in_request": "DELETE FROM sign_in_request WHERE address ~* %(pattern)s",
}
"""Rows that go as a whole where they hold the address."""

TABLES = frozenset({*_OF_THEM, *_BY_ADDRESS, *_QUOTING, "organization_directory"})
"""Every table in which something is erased."""

_AROUND = ("(?<![[:alnum:]._%+-])", r"(?![[:alnum:]-]|\.[[:alnum:]])")
"""An address that is only a part of another one is somebody else's."""

_LOGGED = """
    SELECT originator_id, originator_version FROM cyclebook_events
    WHERE originator_id = ANY(%s) AND NOT starts_with(topic, 'UsageRecorded@')
        AND convert_from(state, 'UTF8') ~* %s
    ORDER BY notification_id
"""


class PostgresPersonalData:
    """The ``PersonalData`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def cases(self, organization: str) -> Sequence[str]:
        """Its cases in which somebody wrote something."""
        with self._database.connection() as connection:
            return [row[0] for row in connection.execute(_CASES, [organization])]

    def erase(
        self, person: Person, *, name_too: bool, by: str, at: datetime
    ) -> tuple[Mapping[str, int], Sequence[tuple[str, int]]]:
        """Erase it in one transaction: rows by table, and events that quote the address."""
        values = {
            "organization": person.organization,
            "user": person.user,
            "actor": person.actor,
            "texts": list(person.texts),
            "by": by,
            "at": at,
        }
        with self._database.connection() as connection, connection.transaction():
            row = connection.execute(_EMAIL, [person.organization, person.user]).fetchone()
            asked = dict(_OF_THEM)
            if name_too:
                asked["organization_directory"] = (_NAME,)
            rows = {
                table: sum(connection.execute(each.encode(), values).rowcount for each in done)
                for table, done in asked.items()
            }
            if row is None or not row[0]:
                return rows, []
            email = str(row[0])
            for table, each in _BY_ADDRESS.items():
                done = connection.execute(each.encode(), {**values, "pattern": _pattern(email)})
                rows[table] = rows.get(table, 0) + done.rowcount
            for table, columns in _QUOTING.items():
                rows[table] = rows.get(table, 0) + sum(
                    _unquote(connection, table, column, kind, email)
                    for column, kind in columns.items()
                )
            return rows, _logged(connection, person.organization, _pattern(email))


def _pattern(email: str) -> str:
    """An address as PostgreSQL searches it: as it is, whatever its case."""
    literal = "".join(each if each.isalnum() else f"\\{each}" for each in email)
    before, after = _AROUND
    return before + literal + after


def _unquote(connection: Connection[Rows], table: str, column: str, kind: str, email: str) -> int:
    """Put a word in place of an address. Bytes need be no UTF-8: they are read one by one."""
    text, pattern = f"{column}::text", _pattern(email)
    if kind == "bytea":
        # A text of PostgreSQL cannot hold a zero byte.
        whole = f"position('\\x00'::bytea IN {column}) = 0"
        text = f"CASE WHEN {whole} THEN convert_from({column}, 'LATIN1') END"
        pattern = _pattern(email.encode().decode("latin-1"))
    new = f"regexp_replace({text}, %(pattern)s, %(gone)s, 'gi')"
    back = f"convert_to({new}, 'LATIN1')" if kind == "bytea" else f"({new})::{kind}"
    statement = f"UPDATE {table} SET {column} = {back} WHERE {text} ~* %(pattern)s"
    return connection.execute(statement.encode(), {"pattern": pattern, "gone": GONE}).rowcount


def _logged(
    connection: Connection[Rows], organization: str, pattern: str
) -> Sequence[tuple[str, int]]:
    """Events of an organization, without usage, that hold the address."""
    streams: list[UUID] = [organization_stream(organization)]
    for (cycle,) in connection.execute(_CYCLES, [organization]):
        streams += [cycle_stream(cycle), stripe_stream(cycle)]
    for (case,) in connection.execute(_CASES, [organization]):
        streams.append(case_stream(case))
    found = connection.execute(_LOGGED, [streams, pattern]).fetchall()
    return [(name_of(connection, stream), version) for stream, version in found]
