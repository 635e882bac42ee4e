"""Reconciliations as rows: asked for, claimed by one worker, their findings, their reports."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime

from psycopg import Connection

from adapters.postgres.database import Database, Rows
from adapters.postgres.sightings import PostgresSightings, forget
from application.reconciling.ports import Asked, Count, Report
from domain.errors import Busy
from projections.reconciliation import Finding, Kind, Severity

_FIELDS = tuple(each.name for each in fields(Finding))
_COLUMNS = (
    "id, status, requested_by, requested_at, started_at, finished_at, expected, done, listed,"
    " attempt, problem, starts, ends, repair, every_line"
)
_REQUEST = (
    "INSERT INTO reconciliation (starts, ends, repair, every_line, requested_by)"
    " VALUES (%s, %s, %s, %s, %s) RETURNING id"
)
_BEGIN = (
    "INSERT INTO reconciliation (starts, ends, repair, every_line, requested_by, started_at,"
    " lease_until, status, attempt) VALUES (%s, %s, %s, %s, %s, %s, %s, 'running', 1)"
    f" RETURNING {_COLUMNS}"
)
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('cyclebook.reconciliation', 0))"
# Nothing to do either where no cycle was there yet at that time.
_IN_VAIN = (
    "SELECT EXISTS (SELECT FROM reconciliation WHERE requested_by = %(actor)s"
    " AND requested_at > %(since)s)"
    " OR NOT EXISTS (SELECT FROM cycle_head)"
)
_CLAIM = f"""
    UPDATE reconciliation SET status = 'running', attempt = attempt + 1, lease_until = %(until)s,
        started_at = %(now)s, expected = 0, done = 0, listed = 0
    WHERE id = (
        SELECT id FROM reconciliation
        WHERE (status = 'requested' OR (status = 'running' AND lease_until < %(now)s))
        ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING {_COLUMNS}
"""
_STAY = (
    "UPDATE reconciliation SET expected = %(expected)s, done = %(done)s, listed = %(listed)s,"
    " lease_until = %(until)s WHERE id = %(id)s AND attempt = %(attempt)s AND status = 'running'"
)
_FOUND = (
    f"INSERT INTO reconciliation_finding (reconciliation, {', '.join(_FIELDS)})"
    f" VALUES ({', '.join(['%s'] * (1 + len(_FIELDS)))})"
)
_FINISH = (
    "UPDATE reconciliation SET status = %s, problem = %s, finished_at = %s, lease_until = NULL"
    " WHERE id = %s AND attempt = %s AND status = 'running'"
)
_LIST = (
    f"SELECT {_COLUMNS} FROM reconciliation WHERE id = coalesce(%(id)s, id)"
    " AND (%(before)s::bigint IS NULL OR id < %(before)s) ORDER BY id DESC LIMIT %(limit)s"
)
_COUNTS = """
    SELECT reconciliation, kind, severity, currency, count(*), count(*) FILTER (WHERE repaired),
        sum(cents)::bigint
    FROM reconciliation_finding WHERE reconciliation = ANY(%s)
    GROUP BY reconciliation, kind, severity, currency
    ORDER BY kind, severity, currency
"""
_FINDINGS = (
    f"SELECT number, {', '.join(_FIELDS)} FROM reconciliation_finding"
    " WHERE reconciliation = %s AND number > %s ORDER BY number LIMIT %s"
)


class PostgresReports:
    """The ``Reports`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def request(self, asked: Asked, actor: str, *, unless_since: datetime | None = None) -> int:
        """Ask for one; 0 where it would be in vain."""
        with self._database.connection() as connection, connection.transaction():
            if unless_since is not None:
                connection.execute(_ONE_AT_A_TIME)
                values = {"actor": actor, "since": unless_since}
                if _value(connection.execute(_IN_VAIN, values).fetchone()):
                    return 0
            window = [asked.start, asked.end, asked.repair, asked.every_line, actor]
            return _value(connection.execute(_REQUEST, window).fetchone())

    def begin(self, asked: Asked, actor: str, now: datetime, until: datetime) -> Report:
        """Ask for one, and keep it from all others."""
        window = [asked.start, asked.end, asked.repair, asked.every_line, actor, now, until]
        with self._database.connection() as connection:
            row = connection.execute(_BEGIN, window).fetchone()
        assert row is not None
        return _report(row, ())

    def claim(self, now: datetime, until: datetime) -> Report | None:
        """Take one, and begin it anew."""
        values = {"until": until, "now": now}
        with self._database.connection() as connection, connection.transaction():
            row = connection.execute(_CLAIM, values).fetchone()
            if row is None:
                return None
            claimed = _report(row, ())
            connection.execute(
                "DELETE FROM reconciliation_finding WHERE reconciliation = %s", [claimed.id]
            )
            forget(connection, claimed.id)
        return claimed

    def sightings(self, report: Report) -> PostgresSightings:
        """What Stripe listed for it."""
        return PostgresSightings(self._database, report.id)

    def progress(
        self, report: Report, counts: Mapping[str, int], found: Sequence[Finding], until: datetime
    ) -> None:
        """Keep how far it is and what was found, and prolong the lease."""
        mine = {"id": report.id, "attempt": report.attempt, "until": until}
        rows = [[report.id, *(getattr(each, name) for name in _FIELDS)] for each in found]
        with self._database.connection() as connection, connection.transaction():
            if not connection.execute(_STAY, {**counts, **mine}).rowcount:
                raise Busy(f"somebody else took reconciliation {report.id} over")
            if rows:
                connection.cursor().executemany(_FOUND, rows)

    def finish(self, report: Report, at: datetime, problem: str | None) -> None:
        """End it; nothing where somebody else took it over."""
        status = "done" if problem is None else "failed"
        with self._database.connection() as connection, connection.transaction():
            values = [status, problem, at, report.id, report.attempt]
            if connection.execute(_FINISH, values).rowcount:
                forget(connection, report.id)

    def get(self, report: int) -> Report | None:
        """One."""
        found = _reports(self._database, report, None, 1)
        return found[0] if found else None

    def list(self, before: int | None, limit: int) -> Sequence[Report]:
        """The newest first."""
        return _reports(self._database, None, before, limit)

    def findings(self, report: int, after: int, limit: int) -> Sequence[tuple[int, Finding]]:
        """What one found, by number."""
        with self._database.connection() as connection:
            rows = connection.execute(_FINDINGS, [report, after, limit]).fetchall()
        return [(row[0], _finding(row[1:])) for row in rows]


def _reports(
    database: Database, report: int | None, before: int | None, limit: int
) -> Sequence[Report]:
    values = {"id": report, "before": before, "limit": limit}
    with database.connection() as connection:
        rows = connection.execute(_LIST, values).fetchall()
        counts = _counts(connection, [row[0] for row in rows])
    return [_report(row, counts.get(row[0], ())) for row in rows]


def _counts(connection: Connection[Rows], ids: Sequence[int]) -> dict[int, tuple[Count, ...]]:
    found: dict[int, tuple[Count, ...]] = {}
    for id_, kind, severity, currency, findings, repaired, cents in connection.execute(
        _COUNTS, [list(ids)]
    ):
        count = Count(
            kind=kind,
            severity=severity,
            currency=currency,
            findings=findings,
            repaired=repaired,
            cents=cents,
        )
        found[id_] = (*found.get(id_, ()), count)
    return found


def _value(row: Rows | None) -> int:
    """The one number or truth that a statement answers."""
    assert row is not None
    return int(row[0])


def _report(row: Rows, counts: tuple[Count, ...]) -> Report:
    names = _COLUMNS.replace(" ", "").split(",")
    known = dict(zip(names, row, strict=True))
    window = {"start": known.pop("starts"), "end": known.pop("ends")}
    ways = {name: known.pop(name) for name in ("repair", "every_line")}
    return Report(**known, asked=Asked(**window, **ways), counts=counts)


def _finding(values: Sequence[object]) -> Finding:
    known = dict(zip(_FIELDS, values, strict=True))
    words = {"kind": Kind(str(known["kind"])), "severity": Severity(str(known["severity"]))}
    return Finding(**(known | words))  # type: ignore[arg-type]  # columns of these very types
