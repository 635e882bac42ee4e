"""A store read plainly for ``cyclebook verify``: rows and events, page by page, and no cache."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

import msgspec
from psycopg import Connection

from adapters.postgres import detached, event_log, mapper, usage_headers
from adapters.postgres.control import read_controls
from adapters.postgres.database import Database, Rows
from adapters.postgres.projector import tracked
from adapters.postgres.rebuild import PostgresRebuilder
from adapters.postgres.usage_keys import content_hash, dedup_key
from adapters.postgres.verifying_rows import CHECKS
from application.detached import Detached
from application.verified_store import Page, Remembered, StoredCycle
from domain.errors import NotFound
from domain.events.base import Recorded
from domain.identity import catalog_stream, organization_stream, stripe_stream
from projections.checks.broken import Broken
from projections.checks.counting import Heap, HeapKey, Heaps

PAGE = 200
"""Usage events read at once: each may hold a thousand records."""

_ORGANIZATIONS = "SELECT DISTINCT organization FROM cycle_head ORDER BY 1"
_SIZE = (
    "SELECT coalesce(sum(records), 0)::bigint + count(*) FROM cycle_head"
    " WHERE organization = coalesce(%s, organization) AND NOT detached"
)
_HEADS = (
    "SELECT h.cycle_id, h.cycle, h.cycle_no, h.starts, h.ends, h.records, h.tallies_stale,"
    " h.has_late, h.late_stale, q.cycle IS NOT NULL FROM cycle_head h"
    " LEFT JOIN sync_queue q USING (cycle) WHERE h.organization = %s AND NOT h.detached"
    " ORDER BY h.starts"
)
_KEPT = ("cycle", "number", "starts", "ends", "records", "stale", "has_late", "late_stale")
_LAST = (
    "SELECT coalesce(max(notification_id), 0) FROM cyclebook_events WHERE originator_id = ANY(%s)"
)
_USAGE = (
    "SELECT originator_version, state FROM cyclebook_events WHERE originator_id = %s"
    f" AND originator_version > %s AND {usage_headers.IS_USAGE}"
    f" ORDER BY originator_version LIMIT {PAGE}"
)
_REMEMBERED = "SELECT key, content, cycle_no, version FROM usage_dedup WHERE key = ANY(%s)"
_TALLIES = "SELECT tally, quantity, records, latest_at FROM usage_tally WHERE cycle_no = %s"
_VALUES = "SELECT tally, value, at, removed FROM usage_value WHERE cycle_no = %s"
_POINTS = "SELECT tally, at, value FROM usage_point WHERE cycle_no = %s"

_encode = msgspec.json.Encoder().encode


class PostgresVerifiedStore:
    """The ``VerifiedStore`` port."""

    def __init__(self, database: Database, rebuilder: PostgresRebuilder) -> None:
        self._database = database
        self._rebuilder = rebuilder

    def organizations(self) -> Sequence[str]:
        """All that have a billing cycle."""
        with self._database.connection() as connection:
            return [row[0] for row in connection.execute(_ORGANIZATIONS)]

    def size(self, organization: str | None) -> int:
        """Usage records and cycles, of all organizations or of one."""
        with self._database.connection() as connection:
            row = connection.execute(_SIZE, [organization]).fetchone()
            return int(row[0]) if row else 0

    @contextmanager
    def opened(self, organization: str) -> Iterator["OrganizationRows"]:
        """One organization, in one read-only view of the database."""
        with self._database.connection() as connection, connection.transaction():
            event_log.at_one_moment(connection)
            yield OrganizationRows(connection, organization)

    def whole(self, invariant: int, organization: str | None, now: datetime) -> Iterator[Broken]:
        """What does not hold, as far as single rows say so."""
        if invariant == 11:
            yield from map(_not_the_same, self._rebuilder.differing().items())
            return
        with self._database.connection() as connection:
            yield from CHECKS[invariant](connection, organization, now)


def _not_the_same(table: tuple[str, int]) -> Broken:
    detail = f"{table[1]} rows differ from those made anew from the log"
    return Broken(invariant=11, about=table[0], what="rows", detail=detail)


class OrganizationRows:
    """The ``StoredOrganization`` port."""

    def __init__(self, connection: Connection[Rows], organization: str) -> None:
        self._connection = connection
        self._organization = organization
        self._streams: dict[str, bytes] = {}
        own = organization_stream(organization)
        self.history: Sequence[Recorded] = event_log.read(connection, own)
        if not self.history:
            raise NotFound(f"there is no organization {organization}", organization=organization)
        self.catalog: Sequence[Recorded] = event_log.read(connection, catalog_stream())
        self.detached: Detached = detached.of_organization(connection, organization)
        self.cycles: Sequence[StoredCycle] = self._cycles(own)

    def usage(self, cycle: StoredCycle) -> Iterator[Page]:
        """The usage events of a cycle, a few at a time."""
        stream, after = UUID(bytes=self._streams[cycle.cycle]), 0
        while rows := self._connection.execute(_USAGE, [stream, after], binary=True).fetchall():
            for version, state in rows:
                records = mapper.decode_records(state)
                marks = [
                    (dedup_key(r.source, r.id), content_hash(self._organization, _encode(r)))
                    for r in records
                ]
                yield Page(version=version, records=records, marks=marks)
            after = rows[-1][0]

    def remembered(self, keys: Sequence[bytes]) -> Mapping[bytes, Remembered]:
        """What is kept to tell duplicates apart."""
        found = self._connection.execute(_REMEMBERED, [[UUID(bytes=key) for key in keys]])
        return {
            key.bytes: Remembered(content=content, number=number, version=version)
            for key, content, number, version in found
        }

    def tallies(self, cycle: StoredCycle, *, late: bool) -> Heaps:
        """The rows that are kept of a cycle."""
        number = [-cycle.number if late else cycle.number]
        heaps: Heaps = {}
        for text, quantity, records, latest_at in self._connection.execute(_TALLIES, number):
            heaps[_key(text)] = Heap(records=records, quantity=quantity, latest_at=latest_at)
        for text, value, at, removed in self._connection.execute(_VALUES, number):
            heaps.setdefault(_key(text), Heap()).values[value] = at, removed
        for text, at, value in self._connection.execute(_POINTS, number):
            heaps.setdefault(_key(text), Heap()).points[at] = value
        return heaps

    def _cycles(self, own: UUID) -> list[StoredCycle]:
        heads = self._connection.execute(_HEADS, [self._organization], binary=True).fetchall()
        controls = read_controls(self._connection, [head[0] for head in heads])
        streams = [own, *(UUID(bytes=head[0]) for head in heads)]
        last = self._connection.execute(_LAST, [streams]).fetchone()
        behind = tracked(self._connection) < (last[0] if last else 0)
        self._streams = {head[1]: head[0] for head in heads}
        return [
            StoredCycle(
                **dict(zip(_KEPT, kept, strict=True)),
                pending=queued or behind,
                control=controls.get(cycle_id, []),
                stripe=event_log.read(self._connection, stripe_stream(kept[0])),
            )
            for cycle_id, *kept, queued in heads
        ]


def _key(text: str) -> HeapKey:
    meter, attachment, price, dimensions = msgspec.json.decode(text)
    return HeapKey(meter, attachment, price, tuple((name, value) for name, value in dimensions))
