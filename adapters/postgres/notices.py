"""Notices in their table: announced once, put in line for the endpoints, listed and read."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from psycopg import Connection
from psycopg.types.json import Jsonb

from adapters.postgres.database import Database, Rows
from application.notices import Notice, Told, mailed_as

KEPT_FOR = timedelta(days=400)
UPDATES_KEPT_FOR = timedelta(days=30)
"""Those of ``invoice.updated``: there are many, and nobody lists them later."""
PRUNED_AT_ONCE = 5_000

_FIELDS = "n.number, n.kind, n.organization, n.occurrence, n.at, n.cycle, n.data"
_ADD = """
    INSERT INTO notice (occurrence, kind, organization, cycle, at, data, mail_due)
    SELECT occurrence, kind, organization, cycle, at, data, mail_due
    FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::jsonb[],
        %s::boolean[])
        WITH ORDINALITY AS t(occurrence, kind, organization, cycle, at, data, mail_due, place)
    ORDER BY place ON CONFLICT (occurrence) DO NOTHING RETURNING number, kind, organization
"""
# Whoever announces locks lines of many endpoints in order. Who ends the lines of one and announces
# that cannot keep to the order, and so does it alone. Taken before any row.
_TOGETHER = "SELECT pg_advisory_xact_lock_shared(hashtextextended('cyclebook.webhook-lines', 0))"
_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('cyclebook.webhook-lines', 0))"
_ENDPOINTS = "SELECT id, kinds FROM webhook_endpoint WHERE enabled FOR KEY SHARE"
# The row is locked until we commit: what joins a line has its number in the order of commits.
_LINES = """
    INSERT INTO webhook_line AS l (endpoint, organization)
    SELECT * FROM unnest(%s::text[], %s::text[]) AS t(endpoint, organization) ORDER BY 1, 2
    ON CONFLICT (endpoint, organization) DO UPDATE SET endpoint = l.endpoint
"""
_DELIVERIES = """
    INSERT INTO webhook_delivery (endpoint, organization, notice)
    SELECT endpoint, organization, notice
    FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS t(endpoint, organization, notice)
    ORDER BY notice, endpoint
"""
_LIST = f"""
    SELECT {_FIELDS}, n.number > coalesce(r.up_to, 0)
    FROM notice n LEFT JOIN notice_read r
        ON r.organization = n.organization AND r.reader = %(reader)s
    WHERE (%(organization)s::text IS NULL OR n.organization = %(organization)s)
        AND (%(kinds)s::text[] IS NULL OR n.kind = ANY(%(kinds)s))
        AND (%(before)s::bigint IS NULL OR n.number < %(before)s)
        AND (NOT %(unread)s OR n.number > coalesce(r.up_to, 0))
    ORDER BY n.number DESC LIMIT %(limit)s
"""
_UNREAD = """
    SELECT count(*) FROM notice WHERE organization = %(organization)s AND kind = ANY(%(kinds)s)
        AND number > coalesce((SELECT up_to FROM notice_read
            WHERE organization = %(organization)s AND reader = %(reader)s), 0)
"""
_READ = """
    INSERT INTO notice_read AS r (organization, reader, up_to) VALUES (%s, %s, %s)
    ON CONFLICT (organization, reader) DO UPDATE SET up_to = greatest(r.up_to, excluded.up_to)
"""
_PRUNE = """
    DELETE FROM notice WHERE number IN (
        SELECT number FROM notice n
        WHERE made_at < clock_timestamp() - CASE kind WHEN 'invoice.updated' THEN %s ELSE %s END
            AND NOT EXISTS (SELECT 1 FROM webhook_delivery d WHERE d.notice = n.number)
        ORDER BY number LIMIT %s)
"""


class PostgresNotices:
    """The ``NoticeStore`` port. mails: whether members are told by e-mail."""

    def __init__(self, database: Database, *, mails: bool) -> None:
        self._database = database
        self._mails = mails

    def announce(self, notices: Sequence[Notice]) -> int:
        """Tell these, each occurrence once; how many are new."""
        with self._database.connection() as connection, connection.transaction():
            return announce(connection, notices, mails=self._mails)

    def list(
        self,
        *,
        organization: str | None,
        kinds: Sequence[str] | None,
        reader: str | None,
        unread: bool,
        before: int | None,
        limit: int,
    ) -> Sequence[Told]:
        """Notices, newest first."""
        values = {
            "organization": organization,
            "kinds": None if kinds is None else list(kinds),
            "reader": reader,
            "unread": unread,
            "before": before,
            "limit": limit,
        }
        with self._database.connection() as connection:
            rows = connection.execute(_LIST, values).fetchall()
        return [told(row[:-1], unread=row[-1] if reader else None) for row in rows]

    def unread(self, organization: str, kinds: Sequence[str], reader: str) -> int:
        """How many somebody has not read."""
        values = {"organization": organization, "kinds": list(kinds), "reader": reader}
        with self._database.connection() as connection:
            row = connection.execute(_UNREAD, values).fetchone()
        return int(row[0]) if row else 0

    def read(self, organization: str, reader: str, up_to: int) -> None:
        """Somebody has read up to a number."""
        with self._database.connection() as connection:
            connection.execute(_READ, [organization, reader, up_to])

    def prune(self) -> int:
        """Delete some of what nobody asks for any more; how many."""
        values = [UPDATES_KEPT_FOR, KEPT_FOR, PRUNED_AT_ONCE]
        with self._database.connection() as connection:
            return connection.execute(_PRUNE, values).rowcount


def announce(connection: Connection[Rows], notices: Sequence[Notice], *, mails: bool) -> int:
    """Tell these within the caller's transaction, each occurrence once; how many are new.

    Every enabled endpoint that asked for a kind gets a delivery at the end of its line.

    Raises:
        KeyError: a kind is none of ``KINDS``.
    """
    if not notices:
        return 0
    connection.execute(_TOGETHER)
    subjects = [mailed_as(each) for each in notices]
    columns = [
        [each.occurrence for each in notices],
        [each.kind for each in notices],
        [each.organization for each in notices],
        [each.cycle for each in notices],
        [each.at for each in notices],
        [Jsonb(_storable(each.data)) for each in notices],
        [mails and subject is not None for subject in subjects],
    ]
    new = connection.execute(_ADD, columns).fetchall()
    if new:
        endpoints = connection.execute(_ENDPOINTS).fetchall()
        enqueue(
            connection,
            [
                (endpoint, organization, number)
                for number, kind, organization in new
                for endpoint, kinds in endpoints
                if kinds is None or kind in kinds
            ],
        )
    return len(new)


def alone(connection: Connection[Rows]) -> None:
    """Have nobody else announce anything until the caller's transaction ends."""
    connection.execute(_ALONE)


def _storable(value: object) -> object:
    """Without NUL characters, which jsonb does not take: others may have written them."""
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, Mapping):
        return {name: _storable(each) for name, each in value.items()}
    return [_storable(each) for each in value] if isinstance(value, list | tuple) else value


def enqueue(connection: Connection[Rows], wanted: Iterable[tuple[str, str, int]]) -> None:
    """Put notices at the end of lines: (endpoint, line's organization, notice's number)."""
    rows = list(wanted)
    if rows:
        lines = sorted({(endpoint, organization) for endpoint, organization, _ in rows})
        connection.execute(_LINES, [list(each) for each in zip(*lines, strict=True)])
        connection.execute(_DELIVERIES, [list(each) for each in zip(*rows, strict=True)])


def told(row: Rows, *, unread: bool | None = None) -> Told:
    """A row of the fields above."""
    number, kind, organization, occurrence, at, cycle, data = row
    return Told(
        number=number,
        kind=kind,
        organization=organization,
        occurrence=occurrence,
        at=at,
        cycle=cycle,
        data=data,
        unread=unread,
    )
