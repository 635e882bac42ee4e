"""Catching up: what Stripe says happened and no webhook told, found in its own lists."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from application.desired import organization_of
from application.gateway import InvoiceGateway, StripeStream
from application.inbox import Inbox, Message
from application.ports import Books
from domain.billing_cycle import UNISSUED, BillingCycle
from domain.errors import NotFound
from domain.events.outcome import PaymentRecorded
from domain.identity import parse_cycle_name
from domain.stripe_invoice import StripeInvoice
from projections.remote_invoice import RemoteInvoice

EVENTS_KEPT = timedelta(days=30)
"""How long Stripe lists an event. Source: https://docs.stripe.com/api/events"""

OVERLAP = timedelta(minutes=5)
"""How far before the last event seen the list is read again: one may turn up late in it."""

QUIET_MAX = timedelta(days=1)
"""Where nothing happens the cursor still follows the clock, at this distance."""

EARLY = timedelta(days=2)
"""How long before its cycle begins an invoice may have been made."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """Something that happened, as Stripe lists it. created: by its clock."""

    message: Message
    created: datetime
    payload: bytes


class Feed(Protocol):
    """What happened, as whoever keeps the invoices lists it. Raises as the gateway does."""

    def happened(self, since: datetime) -> Iterator[Sequence[Heard]]:
        """Every event since an instant, newest first, page by page."""
        ...

    def given_back(self, since: datetime) -> Iterator[Sequence[Heard]]:
        """Every refund and dispute made since an instant, however long ago, page by page."""
        ...


class NoFeed:
    """The ``Feed`` of a processor at which nothing happens without us."""

    def happened(self, since: datetime) -> Iterator[Sequence[Heard]]:
        """Nothing."""
        return iter(())

    def given_back(self, since: datetime) -> Iterator[Sequence[Heard]]:
        """Nothing."""
        return iter(())


class Cursor(Protocol):
    """Remembers how far the list of events was read."""

    def seen_at(self) -> datetime | None:
        """Up to when, by Stripe's clock; ``None`` before the first time."""
        ...

    def move(self, to: datetime) -> None:
        """Say up to when. It never goes back."""
        ...


@dataclass(kw_only=True, slots=True)
class CaughtUp:
    """What was read. since: from when on. events: how many Stripe listed; new: those among
    them that no webhook had told. invoices: how many were looked at beyond the events, and
    differing: those among them that had moved on without us.
    """

    since: datetime
    events: int = 0
    new: int = 0
    invoices: int = 0
    differing: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class CatchingUp:
    """Puts into the inbox what it lacks. Safe to repeat, and to run twice at once.

    began: when the earliest cycle begins, ``None`` before there is one.
    """

    inbox: Inbox
    feed: Feed
    cursor: Cursor
    gateway: InvoiceGateway
    stripe: StripeStream
    books: Books
    began: Callable[[], datetime | None]

    def run(self, now: datetime, since: datetime | None = None) -> CaughtUp:
        """Catch up from where the last time ended, or from an instant.

        Beyond what Stripe lists of events, every invoice of ours is looked at.

        Raises:
            GatewayError, GatewayRejected: Stripe could not be read; nothing is forgotten.
            StoreUnavailable: the same of the store.
        """
        began = self.began()
        if began is None and since is None:
            return CaughtUp(since=now)
        kept = now - EVENTS_KEPT + OVERLAP
        start = since or self._where_left(began or now, kept)
        told = CaughtUp(since=start)
        if start < kept:
            # Named so that a repetition after a failure makes its messages once.
            name = int((now if since else start).timestamp())
            self._look_back((began or start) - EARLY, now, name, told)
        newest = self._hear(max(start, kept) - OVERLAP, told)
        if since is None or since <= (self.cursor.seen_at() or since):
            self.cursor.move(max(newest or start, now - QUIET_MAX))
        return told

    def _where_left(self, began: datetime, kept: datetime) -> datetime:
        """The first time there is nothing that events could not tell."""
        return self.cursor.seen_at() or max(began - EARLY, kept)

    def _hear(self, since: datetime, told: CaughtUp) -> datetime | None:
        """Take every event that is listed; when the newest happened."""
        newest: datetime | None = None
        for page in self.feed.happened(since):
            told.events += len(page)
            told.new += sum(self.inbox.accept(each.message, each.payload) for each in page)
            newest = max([each.created for each in page] + ([newest] if newest else []))
        return newest

    def _look_back(self, began: datetime, now: datetime, name: int, told: CaughtUp) -> None:
        """Look at every invoice, and at what went back, for what events do not tell any more."""
        for invoices in self.gateway.listed(began, now + QUIET_MAX):
            for seen in invoices:
                told.invoices += 1
                if self._moved_on(seen):
                    told.differing += 1
                    self.inbox.accept(_of(seen, name), b"{}")
        for page in self.feed.given_back(began):
            for each in page:
                self.inbox.accept(each.message, each.payload)

    def _moved_on(self, seen: RemoteInvoice) -> bool:
        """Whether an invoice of ours is not as our record has it."""
        if parse_cycle_name(seen.marks.cycle) is None:
            return False
        cycle = seen.marks.cycle
        try:
            known = self.books.snapshot(organization_of(cycle), cycle).asked
        except NotFound:
            return False  # it names no cycle of ours: an audit tells
        record, _ = self.stripe.load(cycle)
        if known is None or seen.marks.revision < record.revision:
            return False
        return differs(known.cycle, record, seen)


def _of(seen: RemoteInvoice, name: int) -> Message:
    return Message(
        id=f"listed/{seen.id}/{name}",
        type="invoice.listed",
        object_id=seen.id,
        cycle=seen.marks.cycle,
    )


def differs(cycle: BillingCycle, record: StripeInvoice, seen: RemoteInvoice) -> bool:
    """Whether an invoice went on without us, by all that Stripe's list shows of it."""
    held = (record.invoice, record.status, record.subtotal, record.total, record.digest)
    shown = (seen.id, seen.status.value, seen.subtotal, seen.total, seen.marks.digest)
    if held != shown or seen.is_draft:
        return held != shown
    if cycle.status in UNISSUED:
        return True
    paid = sum(each.amount for each in cycle.outcomes if isinstance(each, PaymentRecorded))
    credited = sum(each.amount + (each.tax or 0) for each in cycle.standing_notes)
    whole = paid or (cycle.paid.amount if cycle.paid else 0)
    attempts = {getattr(each, "attempt", 0) for each in cycle.outcomes}
    unpaid = seen.issue.attempts if not seen.issue.amount_paid else 0
    return (whole, credited) != (seen.issue.amount_paid, seen.issue.credited) or unpaid > max(
        attempts, default=0
    )
