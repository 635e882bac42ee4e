"""Cases in PostgreSQL: the projection that lists them, and what people wrote for them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from psycopg import Connection

from adapters.postgres.database import Database, Rows
from adapters.postgres.log_pages import Logged
from application.case_texts import CaseText
from application.case_views import CaseFilter
from domain.case import RESOLVED
from domain.events.case import CaseEvent, CaseReported
from projections.case_summary import CaseSummary, summary_of, updated

_COLUMNS = {
    "case_id": "case",
    "organization": "organization",
    "reported_by": "by",
    "reported_at": "reported_at",
    "known_at": "known_at",
    "last_at": "last_at",
    "number": "number",
    "position": "position",
    "cycle": "cycle",
    "line": "line",
    "amount": "amount",
    "currency": "currency",
    "status": "status",
    "acknowledged_at": "acknowledged_at",
    "resolved_at": "resolved_at",
    "resolution": "resolution",
    "reopened": "reopened",
    "comments": "comments",
}
"""Column -> what it is called in a summary."""

_NAMES = ", ".join(_COLUMNS)
_READ = f"SELECT {_NAMES} FROM case_summary{{suffix}} WHERE case_id = ANY(%s)"
_WRITE = (
    f"INSERT INTO case_summary{{suffix}} ({_NAMES}) VALUES ({', '.join(['%s'] * len(_COLUMNS))})"
    " ON CONFLICT (case_id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in list(_COLUMNS)[1:])
)
_WHERE = {
    "organization": "organization = %(organization)s",
    "cycle": "cycle = %(cycle)s",
    "status": "status = %(status)s",
    "open": f"status <> '{RESOLVED}'",
    "reported_before": "reported_at < %(reported_before)s",
    "after": "number < %(after)s",
}
"""What is asked for only where somebody asks: each has an index of its own to go by."""


class CaseSummaries:
    """The read model of cases: one row each."""

    tables = ("case_summary",)

    def fold(self, connection: Connection[Rows], page: Sequence[Logged], suffix: str = "") -> None:
        """Bring the rows of a page's cases up to date."""
        events = [(each.event, each.position) for each in page if isinstance(each.event, CaseEvent)]
        if not events:
            return
        rows = _rows(connection, sorted({event.case for event, _ in events}), suffix)
        for event, position in events:
            rows[event.case] = (
                summary_of(event, position)
                if isinstance(event, CaseReported)
                else updated(rows[event.case], event, position)
            )
        statement = _WRITE.replace("{suffix}", suffix).encode()
        values = [[getattr(row, name) for name in _COLUMNS.values()] for row in rows.values()]
        connection.cursor().executemany(statement, values)


def _rows(
    connection: Connection[Rows], cases: Sequence[str], suffix: str
) -> dict[str, CaseSummary]:
    statement = _READ.replace("{suffix}", suffix).encode()
    found = map(_summary, connection.execute(statement, [cases]))
    return {each.case: each for each in found}


def _summary(row: Rows) -> CaseSummary:
    return CaseSummary(**dict(zip(_COLUMNS.values(), row, strict=True)))


class PostgresCaseLists:
    """The ``CaseLists`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, wanted: CaseFilter, after: int | None, limit: int) -> Sequence[CaseSummary]:
        """Cases, the newest first, after (below) a number."""
        values = {
            "organization": wanted.organization,
            "cycle": wanted.cycle,
            "reported_before": wanted.reported_before,
            "after": after,
            "open" if wanted.status == "open" else "status": wanted.status,
        }
        asked = [_WHERE[name] for name, value in values.items() if value is not None]
        where = f" WHERE {' AND '.join(asked)}" if asked else ""
        statement = f"SELECT {_NAMES} FROM case_summary{where} ORDER BY number DESC LIMIT %(limit)s"
        with self._database.connection() as connection:
            rows = connection.execute(statement.encode(), values | {"limit": limit}).fetchall()
        return [_summary(row) for row in rows]


class PostgresCaseTexts:
    """The ``CaseTexts`` port: rows that can be erased."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, text: CaseText) -> None:
        """Keep a new text."""
        with self._database.connection() as connection:
            connection.execute(
                "INSERT INTO case_text (text_id, case_id, organization, salt, body)"
                " VALUES (%s, %s, %s, %s, %s)",
                [text.id, text.case, text.organization, text.salt, text.body],
            )

    def of(self, case: str) -> Mapping[str, CaseText]:
        """A case's texts by their ids, the erased ones without their words."""
        with self._database.connection() as connection:
            rows = connection.execute(
                "SELECT text_id, case_id, organization, salt, body FROM case_text"
                " WHERE case_id = %s",
                [case],
            ).fetchall()
        return {
            id_: CaseText(id=id_, case=case, organization=organization, salt=salt, body=body)
            for id_, case, organization, salt, body in rows
        }

    def discard(self, text: str) -> None:
        """Forget a text whose event was never stored."""
        with self._database.connection() as connection:
            connection.execute("DELETE FROM case_text WHERE text_id = %s", [text])

    def erase(self, case: str, text: str, *, actor: str, at: datetime) -> bool:
        """Erase the words for good; whether the case has such a text. Twice does nothing."""
        with self._database.connection() as connection:
            found = connection.execute(
                "UPDATE case_text SET body = NULL, salt = NULL,"
                " erased_at = coalesce(erased_at, %s), erased_by = coalesce(erased_by, %s)"
                " WHERE case_id = %s AND text_id = %s",
                [at, actor, case, text],
            )
            return found.rowcount > 0
