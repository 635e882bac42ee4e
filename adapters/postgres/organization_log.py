"""All that the log holds of an organization, in the log's order, a page at a time."""

from collections.abc import Iterator
from uuid import UUID

from psycopg import Connection

from adapters.postgres import detached, mapper
from adapters.postgres.database import Database, Rows
from application.whole_export import ExportedEvent
from domain.identity import case_stream, cycle_stream, organization_stream, stripe_stream

PAGE = 500
PAGE_BYTES = 8_000_000
"""An event of usage may have thousands of records: few of those are held at a time."""

_CYCLES = "SELECT cycle FROM cycle_head WHERE organization = %s AND NOT detached ORDER BY starts"
_CASES = (
    "SELECT case_id FROM case_summary WHERE organization = %(organization)s"
    " UNION SELECT case_id FROM case_text WHERE organization = %(organization)s"
)
_EVENTS = """
    SELECT originator_id, originator_version, topic, state, notification_id, recorded_at
    FROM (SELECT *, sum(octet_length(state)) OVER (ORDER BY notification_id)
            - octet_length(state) AS before
        FROM (SELECT * FROM cyclebook_events WHERE originator_id = ANY(%s) AND notification_id > %s
            ORDER BY notification_id LIMIT %s) AS page) AS sized
    WHERE before < %s ORDER BY notification_id
"""


class PostgresOrganizationLog:
    """The ``OrganizationLog`` port."""

    def __init__(self, database: Database, page_bytes: int = PAGE_BYTES) -> None:
        self._database = database
        self._page_bytes = page_bytes

    def events(self, organization: str, *, for_staff: bool) -> Iterator[ExportedEvent]:
        """Its events as they are stored. A connection is borrowed for each page.

        Raises:
            MonthArchived: one of its months left the log meanwhile.
        """
        with self._database.connection() as connection:
            streams = _streams(connection, organization, for_staff=for_staff)
        after = 0
        while True:
            with self._database.connection() as connection:
                values = [list(streams), after, PAGE, self._page_bytes]
                rows = connection.execute(_EVENTS, values).fetchall()
                if not rows:  # none are left, or a month has left between two pages
                    detached.require_here(connection, streams)
            if not rows:
                return
            for row in rows:
                yield _event(streams, row)
            after = rows[-1][4]


def _streams(
    connection: Connection[Rows], organization: str, *, for_staff: bool
) -> dict[UUID, tuple[str, str]]:
    """Stream -> what kind it is, and its name. What is internal is for staff alone."""
    found = {organization_stream(organization): ("organization", organization)}
    for (cycle,) in connection.execute(_CYCLES, [organization]):
        found[cycle_stream(cycle)] = ("cycle", cycle)
        if for_staff:
            found[stripe_stream(cycle)] = ("stripe", cycle)
    if for_staff:
        for (case,) in connection.execute(_CASES, {"organization": organization}):
            found[case_stream(case)] = ("case", case)
    return found


def _event(streams: dict[UUID, tuple[str, str]], row: Rows) -> ExportedEvent:
    stream, version, topic, state, position, recorded_at = row
    kind, name = streams[stream]
    return ExportedEvent(
        kind=kind,
        name=name,
        topic=topic,
        body=bytes(state).decode(),
        recorded=mapper.decode(
            topic,
            bytes(state),
            stream=stream,
            version=version,
            position=position,
            recorded_at=recorded_at,
        ),
    )
