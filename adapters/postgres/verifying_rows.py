"""Checks that the database answers alone: the log's order, what tells duplicates, what waits."""

from collections.abc import Callable, Iterator
from datetime import datetime
from uuid import UUID

from psycopg import Connection

from adapters.postgres.database import Rows
from adapters.postgres.stream_names import name_of
from domain.identity import catalog_stream, organization_stream, stripe_stream
from projections.checks.broken import Broken

PAGE = 20_000

_REMEMBERED = """
    SELECT coalesce(h.cycle, 'cycle number ' || d.cycle_no), coalesce(h.records, 0),
        coalesce(d.records, 0)
    FROM cycle_head h
    FULL JOIN (SELECT cycle_no, count(*) AS records FROM usage_dedup GROUP BY cycle_no) d
        USING (cycle_no)
    WHERE coalesce(h.records, 0) <> coalesce(d.records, 0)
        AND (%(organization)s::text IS NULL OR h.organization = %(organization)s)
    ORDER BY 1
"""
_ORDER = (
    "SELECT notification_id, recorded_at, originator_id FROM cyclebook_events"
    f" WHERE notification_id > %s ORDER BY notification_id LIMIT {PAGE}"
)
_VERSIONS = """
    SELECT originator_id, count(*), min(originator_version), max(originator_version)
    FROM cyclebook_events WHERE %(streams)s::uuid[] IS NULL OR originator_id = ANY(%(streams)s)
    GROUP BY originator_id
    HAVING count(*) <> max(originator_version) OR min(originator_version) <> 1
"""
_STREAM_ORDER = """
    SELECT originator_id, originator_version FROM (
        SELECT originator_id, originator_version, notification_id, recorded_at,
            lag(notification_id) OVER w AS before, lag(recorded_at) OVER w AS earlier
        FROM cyclebook_events WHERE originator_id = ANY(%(streams)s)
        WINDOW w AS (PARTITION BY originator_id ORDER BY originator_version)) AS each
    WHERE before >= notification_id OR earlier > recorded_at
"""
_REPLAYED = """
    SELECT organization, 'quarantined record ' || id, 'said to be replayed, and not in the log'
    FROM quarantine q
    WHERE status = 'replayed' AND NOT EXISTS (SELECT FROM usage_dedup WHERE key = q.key)
    ORDER BY id
"""
_HEADS = "SELECT cycle_id, cycle FROM cycle_head WHERE organization = %s"
_LATE = "%(now)s::timestamptz - interval '1 day'"
# Each answers (about, what, detail).
_UNLISTED = {
    "quarantine": """
        SELECT organization, 'quarantined record ' || id, 'it has no reason' FROM quarantine
        WHERE code = '' OR detail = '' OR status <> 'open' AND coalesce(resolution, '') = ''
    """,
    "set aside": """
        SELECT r.organization, 'quarantined record ' || r.id, 'it was set aside, and is gone'
        FROM quarantine_receipt r LEFT JOIN quarantine q USING (id) WHERE q.id IS NULL
    """,
    "sync": f"""
        SELECT cycle, 'sync', CASE WHEN due_at < {_LATE} AND NOT parked
            THEN 'due since ' || due_at ELSE 'it failed, and nobody says why' END
        FROM sync_queue
        WHERE (parked OR attempts > 0) AND coalesce(last_error, '') = ''
            OR NOT parked AND due_at < {_LATE}
    """,
    "webhook": f"""
        SELECT coalesce(cycle, object_id), 'webhook ' || event_id,
            CASE WHEN due_at IS NULL THEN 'it failed, and nobody says why'
            ELSE 'due since ' || greatest(due_at, received_at) END
        FROM webhook_inbox WHERE handled_at IS NULL
            AND (due_at IS NULL AND coalesce(last_error, '') = ''
                OR greatest(due_at, received_at) < {_LATE})
    """,
    "life": f"""
        SELECT cycle, 'its life', status || ', and should have gone on since ' || next_duty_at
        FROM cycle_head
        WHERE next_duty_at < {_LATE} AND status IN ('accruing', 'closing', 'finalizing')
    """,
    "tallies": f"""
        SELECT cycle, 'tallies', 'to be folded anew, and its last usage lies long back'
        FROM cycle_head WHERE (tallies_stale OR late_stale)
            AND (SELECT max(e.recorded_at) FROM cyclebook_events e
                WHERE e.originator_id = cycle_head.cycle_id) < {_LATE}
    """,
}


def remembered(
    connection: Connection[Rows], organization: str | None, now: datetime
) -> Iterator[Broken]:
    """1: as many records are remembered as were accepted, cycle by cycle."""
    for cycle, accepted, kept in connection.execute(_REMEMBERED, {"organization": organization}):
        detail = f"{accepted} accepted, {kept} remembered to tell duplicates apart"
        yield Broken(invariant=1, about=cycle, what="remembered", detail=detail)


def in_order(
    connection: Connection[Rows], organization: str | None, now: datetime
) -> Iterator[Broken]:
    """10: versions without a gap in every stream, and a clock that never goes back."""
    streams = None if organization is None else _streams(connection, organization)
    for stream, count, first, last in connection.execute(_VERSIONS, {"streams": streams}):
        detail = f"{count} events, of versions {first} to {last}"
        about = name_of(connection, stream)
        yield Broken(invariant=10, about=about, what="versions", detail=detail)
    if streams is not None:
        for stream, version in connection.execute(_STREAM_ORDER, {"streams": streams}):
            yield _back(name_of(connection, stream), version)
        return
    yield from _clock(connection)


def _clock(connection: Connection[Rows]) -> Iterator[Broken]:
    """The whole log in its order; events of one append have one instant."""
    position, earlier = 0, None
    while rows := connection.execute(_ORDER, [position]).fetchall():
        for position, recorded_at, stream in rows:
            if earlier is not None and recorded_at < earlier:
                yield _back(name_of(connection, stream), position)
            earlier = recorded_at


def _back(about: str, place: int) -> Broken:
    detail = f"event {place} was recorded before the one it follows"
    return Broken(invariant=10, about=about, what="clock", detail=detail)


def _streams(connection: Connection[Rows], organization: str) -> list[UUID]:
    """Everything recorded about an organization, and the catalog."""
    found = [catalog_stream(), organization_stream(organization)]
    for cycle_id, cycle in connection.execute(_HEADS, [organization]):
        found += [cycle_id, stripe_stream(cycle)]
    return found


def accounted(
    connection: Connection[Rows], organization: str | None, now: datetime
) -> Iterator[Broken]:
    """5: what is no longer waiting in the quarantine is in the log, or was given up."""
    for about, what, detail in connection.execute(_REPLAYED):
        if organization in (None, about):
            yield Broken(invariant=5, about=about, what=what, detail=detail)


def listed(
    connection: Connection[Rows], organization: str | None, now: datetime
) -> Iterator[Broken]:
    """12: whatever waits or failed says why, and is not forgotten."""
    for query in _UNLISTED.values():
        for about, what, detail in connection.execute(query, {"now": now}):
            if organization in (None, about, about.rpartition(".")[0]):
                yield Broken(invariant=12, about=about, what=what, detail=detail)


Check = Callable[[Connection[Rows], str | None, datetime], Iterator[Broken]]
"""Of all organizations, or of one; by a clock."""

CHECKS: dict[int, Check] = {
    1: remembered,
    5: accounted,
    10: in_order,
    12: listed,
}
"""By number of invariant."""
