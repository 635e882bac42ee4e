"""Marks cycles whose draft at Stripe may be out of step by what the log says of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg import Connection

from adapters.postgres import arrays, event_log
from adapters.postgres.database import Rows
from adapters.postgres.log_pages import Logged
from adapters.postgres.places import Places
from adapters.postgres.sync_queue import HIGH, NORMAL
from domain.billing_cycle import UNISSUED
from domain.events.cycle import (
    ApprovalGiven,
    ApprovalRequested,
    CycleEvent,
    CycleHeld,
    FinalizationStarted,
    UnusualLinesFound,
)
from domain.events.organization import (
    CreditExpired,
    CreditGranted,
    OrganizationRegistered,
    PolicyChanged,
)
from domain.events.outcome import (
    DisputeClosed,
    DisputeOpened,
    InvoiceBilledElsewhere,
    InvoiceFinalized,
    InvoiceMarkedUncollectible,
    InvoicePaid,
    InvoicePastDue,
    PaymentActionRequired,
    PaymentFailed,
    PaymentRecorded,
    RefundFailed,
    RefundRecorded,
)
from domain.events.stripe_invoice import SyncPlanned
from domain.identity import organization_stream
from domain.policies import checked

NO_NEWS_FOR_STRIPE = (
    ApprovalGiven,
    ApprovalRequested,
    CycleHeld,
    UnusualLinesFound,
    FinalizationStarted,  # finalizing makes the last sync itself
    InvoicePaid,  # and these come from Stripe, or are about money there
    InvoicePastDue,
    InvoiceMarkedUncollectible,
    InvoiceBilledElsewhere,
    PaymentActionRequired,
    PaymentFailed,
    PaymentRecorded,
    RefundRecorded,
    RefundFailed,
    DisputeOpened,
    DisputeClosed,
)
"""All others may change a draft: of their own cycle, or of a later one, by what that bills late
of it, takes over from it, or has of credits. A voided invoice gives its credits back, say, and a
credit note makes a late amount of its line a proposal. Where one is issued, the next is due."""
ORGANIZATIONS_MAX = 200_000

_UNISSUED = ", ".join(f"'{status.value}'" for status in sorted(UNISSUED))
_UPSERT = """
    ON CONFLICT (cycle) DO UPDATE SET
        dirty_position = greatest(q.dirty_position, excluded.dirty_position),
        due_at = CASE WHEN q.lease_token IS NOT NULL OR q.attempts > 0 THEN q.due_at
            ELSE least(q.due_at, excluded.due_at) END,
        again_at = CASE WHEN q.lease_token IS NOT NULL
            THEN least(q.again_at, excluded.due_at) END,
        priority = CASE WHEN q.lease_token IS NOT NULL THEN q.priority
            ELSE greatest(q.priority, excluded.priority) END,
        again_priority = CASE WHEN q.lease_token IS NOT NULL
            THEN greatest(q.again_priority, excluded.priority) END
"""
# Cycles share the organization's credits, oldest first: a change in one can move the later ones.
# What is not urgent waits for its allowance of reads.
_MARK = f"""
    INSERT INTO sync_queue AS q (cycle, dirty_position, due_at, priority)
    SELECT h.cycle, max(m.position), greatest(
            clock_timestamp() + min(m.wait) * interval '1 second',
            CASE WHEN max(m.priority) = {NORMAL} THEN max(l.next_at) END), max(m.priority)
    FROM unnest(%b, %b, %b, %b) AS m(cycle_id, position, wait, priority)
    JOIN cycle_head moved ON moved.cycle_id = m.cycle_id
    JOIN cycle_head h ON h.organization = moved.organization AND h.starts >= moved.starts
    LEFT JOIN last_sync l ON l.cycle = h.cycle
    WHERE h.status IN ({_UNISSUED}) GROUP BY h.cycle ORDER BY h.cycle
    {_UPSERT}
"""
_CYCLES = f"""
    SELECT cycle_id, organization FROM cycle_head
    WHERE organization = ANY(%s) AND status IN ({_UNISSUED})
"""
_EVENTS = (
    "SELECT originator_id, originator_version, topic, state, notification_id, recorded_at"
    " FROM cyclebook_events WHERE originator_id = ANY(%b) AND "
)
_ORGANIZATIONS = f"{_EVENTS} originator_version = 1"
_POLICIES = (
    f"{_EVENTS} starts_with(topic, 'PolicyChanged@') ORDER BY originator_id, originator_version"
)
_PLANS = """
    SELECT DISTINCT ON (s.cycle_id) s.cycle_id, e.originator_version, e.topic, e.state,
        e.notification_id, e.recorded_at
    FROM invoice_summary s JOIN cyclebook_events e ON e.originator_id = s.stripe_id
    WHERE s.cycle_id = ANY(%b) AND starts_with(e.topic, 'SyncPlanned@')
    ORDER BY s.cycle_id, e.originator_version DESC
"""
# After a rebuild: whatever the last proof does not cover, spread over a quarter of an hour.
_UNPROVED = f"""
    INSERT INTO sync_queue AS q (cycle, dirty_position, due_at)
    SELECT h.cycle, e.notification_id,
        greatest(clock_timestamp() + random() * interval '15 minutes', l.next_at)
    FROM cycle_head h LEFT JOIN last_sync l USING (cycle)
    JOIN cyclebook_events e ON e.originator_id = h.cycle_id AND e.originator_version = h.version
    JOIN invoice_summary s ON s.cycle_id = h.cycle_id
    WHERE h.status IN ({_UNISSUED}) AND (s.stripe_state <> 'in_step' OR s.proved_at IS NULL
        OR s.proved_at - interval '1 minute' < e.recorded_at)
    ORDER BY h.cycle
    {_UPSERT}
"""


@dataclass(frozen=True, slots=True)
class _Pace:
    """How soon an organization's cycles are synced. above: minor units from which at once."""

    wait_s: int
    priority: int
    above: int | None


_AT_ONCE = (0, HIGH)


class SyncMarks:
    """Raises dirty positions and due times; the rest of the queue is the workers'.

    sync_interval_s: for organizations without a policy of their own.
    """

    def __init__(self, places: Places, sync_interval_s: int) -> None:
        self._places = places
        self._default: dict[str, object] = {"sync_interval_s": sync_interval_s}
        self._known: dict[str, _Pace] = {}

    def fold(self, connection: Connection[Rows], page: Sequence[Logged]) -> None:
        """Mark what a page moved, within the caller's transaction."""
        cycles = {
            each.stream: each.position
            for each in page
            if each.event is None
            or (isinstance(each.event, CycleEvent) and type(each.event) not in NO_NEWS_FOR_STRIPE)
        }
        self._add_credited(connection, page, cycles)
        if not cycles:
            return
        self._places.load(connection, cycles)
        organizations = [self._places.of(stream).place.organization for stream in cycles]
        self._load(connection, organizations)
        paces = dict(zip(cycles, (self._known[each] for each in organizations), strict=True))
        at_once = self._worth_more(connection, paces) | _issued(page)
        waits, priorities = zip(
            *(
                _AT_ONCE if stream in at_once else (pace.wait_s, pace.priority)
                for stream, pace in paces.items()
            ),
            strict=True,
        )
        columns = [
            arrays.uuids(list(cycles)),
            arrays.bigints(list(cycles.values())),
            arrays.bigints(waits),
            arrays.bigints(priorities),
        ]
        connection.execute(_MARK, columns, prepare=True)

    def _add_credited(
        self, connection: Connection[Rows], page: Sequence[Logged], cycles: dict[bytes, int]
    ) -> None:
        """A credit or a policy reaches all of its organization's unissued cycles."""
        streams = {
            each.stream: each.position
            for each in page
            if isinstance(each.event, CreditGranted | CreditExpired | PolicyChanged)
        }
        if not streams:
            return
        found = organizations(connection, list(streams))
        for organization in found:
            self._known.pop(organization, None)
        for cycle_id, organization in connection.execute(_CYCLES, [found], binary=True):
            position = streams[organization_stream(organization).bytes]
            cycles[cycle_id] = max(cycles.get(cycle_id, 0), position)

    def _worth_more(self, connection: Connection[Rows], paces: dict[bytes, _Pace]) -> set[bytes]:
        """Cycles whose invoice came to more, when last synced, than their organization says."""
        asked = sorted(stream for stream, pace in paces.items() if pace.above is not None)
        rich: set[bytes] = set()
        if asked:
            for stream, *row in connection.execute(_PLANS, [arrays.uuids(asked)], binary=True):
                event = event_log.recorded(UUID(bytes=stream), tuple(row)).event
                if isinstance(event, SyncPlanned) and event.subtotal > (paces[stream].above or 0):
                    rich.add(stream)
        return rich

    def _load(self, connection: Connection[Rows], organizations: Iterable[str]) -> None:
        """Read the policies that say how soon and how urgently to sync."""
        if len(self._known) > ORGANIZATIONS_MAX:
            self._known.clear()
        missing = {each for each in organizations if each not in self._known}
        if not missing:
            return
        streams = {organization_stream(each).bytes: each for each in missing}
        policies: dict[str, dict[str, object]] = {each: {} for each in missing}
        rows = connection.execute(_POLICIES, [arrays.uuids(sorted(streams))], binary=True)
        for stream, *row in rows.fetchall():
            event = event_log.recorded(UUID(bytes=stream), tuple(row)).event
            if isinstance(event, PolicyChanged):
                policies[streams[stream]] |= event.policies
        for organization, values in policies.items():
            known = checked(self._default | values)
            above = known["priority_amount"]
            urgent = known["priority"] == "high"
            wait = int(str(known["sync_interval_s"]))
            self._known[organization] = _Pace(
                *(_AT_ONCE if urgent else (wait, NORMAL)),
                above=None if above is None or urgent else int(str(above)),
            )


def organizations(connection: Connection[Rows], streams: Sequence[bytes]) -> list[str]:
    """The organizations that some streams of theirs are about."""
    rows = connection.execute(_ORGANIZATIONS, [arrays.uuids(streams)], binary=True)
    first = [event_log.recorded(UUID(bytes=id_), tuple(row)).event for id_, *row in rows]
    return [each.organization for each in first if isinstance(each, OrganizationRegistered)]


def _issued(page: Sequence[Logged]) -> set[bytes]:
    """Cycles whose invoice was just issued: the next one's draft is to be there at once."""
    return {each.stream for each in page if isinstance(each.event, InvoiceFinalized)}


def mark_unproved(connection: Connection[Rows]) -> int:
    """Mark every unissued cycle not proved at its latest version; how many."""
    return connection.execute(_UNPROVED).rowcount
