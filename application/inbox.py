"""The webhook inbox: each message from Stripe is stored once, answered, and handled afterwards."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Protocol

from application.desired import organization_of
from application.gateway import InvoiceGateway, StripeStream
from application.handed_over import take_off_ahead
from application.outcomes import STRIPE, Outcomes, Said
from application.ports import Books, OpenBooks
from domain.billing_cycle import Outcome
from domain.errors import Busy, CyclebookError, NotFound, StoreUnavailable
from domain.events.outcome import CreditNoteIssued
from domain.events.usage import EPOCH
from domain.identity import parse_cycle_name
from domain.stripe_invoice import StripeInvoice
from projections.remote_invoice import RemoteInvoice, news

ATTEMPTS_MAX = 20
FIRST_PAUSE = timedelta(seconds=2)
PAUSE_MAX = timedelta(hours=1)
MONEY_BACK = ("charge.", "refund.")
"""Kinds of events about money that went back, which an invoice itself does not show."""

RENEWED = ("invoice.created", "invoice.finalized")
"""What tells that a subscription made an invoice; the second that it is too late to claim it."""

LEASE = timedelta(minutes=5)
"""How long a claimed event is kept from other workers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A stored webhook event. It is a hint to look again, never a fact.

    object_id: what it is about, at Stripe. cycle: ours, where that object carries one.
    """

    id: str
    type: str
    object_id: str
    cycle: str | None
    attempts: int = 0


class InboxStore(Protocol):
    """Keeps webhook events until they are handled, and after that as a record."""

    def add(self, message: Message, payload: bytes) -> bool:
        """Store an event, durably; whether it is new."""
        ...

    def get(self, message: str) -> Message | None:
        """An event that is not handled yet, or ``None``."""
        ...

    def claim(self, now: datetime, until: datetime, limit: int) -> Sequence[Message]:
        """Events due by ``now``, oldest first, kept from other workers ``until`` an instant."""
        ...

    def handled(self, message: str) -> None:
        """Say that an event is done."""
        ...

    def failed(self, message: str, error: str, due_at: datetime | None) -> None:
        """Keep an event with its error: until ``due_at``, or for a person where ``None``."""
        ...


class Inbox:
    """Takes webhooks, and turns what is news into events on the billing cycle.

    resync: raises a cycle's place in the queue of syncs, where Stripe's draft may have been
    changed by others. renewed: told of an invoice that carries no cycle, by Stripe's id: a
    subscription may have made it for one.
    """

    def __init__(
        self,
        store: InboxStore,
        books: Books,
        gateway: InvoiceGateway,
        stripe: StripeStream,
        resync: Callable[[str], None],
        renewed: Callable[[str], object],
    ) -> None:
        self._store = store
        self._books = books
        self._gateway = gateway
        self._stripe = stripe
        self._resync = resync
        self._renewed = renewed

    def accept(self, message: Message, payload: bytes) -> bool:
        """Store a verified webhook; whether it is new. Once this returns it is safe to say 200.

        Raises:
            StoreUnavailable: it is not stored; Stripe will send it again.
        """
        return self._store.add(message, payload)

    def work(self, now: datetime, limit: int = 50) -> int:
        """Handle what is due; how many there were. What fails is kept with its error.

        Raises:
            StoreUnavailable: what is not handled comes up again.
        """
        claimed = self._store.claim(now, now + LEASE, limit)
        for message in claimed:
            try:
                self._handle(message, now)
            except StoreUnavailable:
                raise
            except Exception as error:  # kept with the event; the others go on
                self._store.failed(message.id, _words(error), _next_try(message, now))
            else:
                self._store.handled(message.id)
        return len(claimed)

    def handle(self, message: str, now: datetime) -> None:
        """Handle one event now. One that is handled already does nothing.

        Raises:
            GatewayError: Stripe could not be read; it stays in the inbox.
        """
        known = self._store.get(message)
        if known is not None:
            self._handle(known, now)
            self._store.handled(message)

    def _handle(self, message: Message, now: datetime) -> None:
        """Look at the invoice afresh: what the webhook itself says may be old."""
        invoice = self._gateway.invoice_of(message.type, message.object_id)
        if invoice is None:
            return
        seen = self._gateway.glance(invoice)
        cycle = (seen.marks.cycle if seen else "") or message.cycle
        if not cycle or parse_cycle_name(cycle) is None:
            if seen and message.type in RENEWED:
                self._renewed(seen.id)
            return
        if seen is None or seen.is_draft:
            if seen is None or self._is_news(cycle, seen):
                self._resync(cycle)
            return
        if record := self._record_stripe(cycle, seen, message):
            money_back = message.type.startswith(MONEY_BACK)
            outcomes = Outcomes(self._gateway, seen, now)
            self._record(cycle, list(outcomes.of(record, money_back=money_back)))

    def _is_news(self, cycle: str, draft: RemoteInvoice) -> bool:
        """Whether somebody else changed a draft: what we wrote ourselves is on our record.

        Raises:
            Busy: a sync is writing just now, so that nobody can tell yet.
        """
        state, _ = self._stripe.load(cycle)
        if state.open is not None:
            raise Busy(f"{cycle} is being synced", cycle=cycle)
        return bool(news(state, self._gateway.complete(draft), draft.marks.revision))

    def _record_stripe(
        self, cycle: str, seen: RemoteInvoice, message: Message
    ) -> StripeInvoice | None:
        """Bring our record up to what was read; ``None`` of an invoice that has a successor.

        Raises:
            NotFound: it is not the one we know.
            Busy: a call of ours is not answered yet; whoever made it says what it did.
        """
        state, version = self._stripe.load(cycle)
        if seen.marks.revision < state.revision:
            return None
        if state.open is not None:
            if message.attempts:
                # Nobody came back for the answer: a sync asks for it.
                self._resync(cycle)
            raise Busy(f"Stripe has not answered {state.open.purpose} yet", cycle=cycle)
        if state.invoice != seen.id:
            raise NotFound(f"{seen.id} carries {cycle}, whose invoice is {state.invoice}")
        if events := news(state, self._gateway.complete(seen), seen.marks.revision):
            self._stripe.append(cycle, version, events, STRIPE)
            self._resync(cycle)
            state, _ = self._stripe.load(cycle)
        return state

    def _record(self, cycle: str, said: list[Said]) -> None:
        """Keep what is news to the cycle, one change for each who did it."""
        organization = organization_of(cycle)
        for actor, theirs in groupby(said, key=lambda each: each[0]):
            events = [event for _, event in theirs]
            notes = any(isinstance(event, CreditNoteIssued) for event in events)
            since = EPOCH if notes else None
            with self._books.change(organization, actor=actor, cycle=cycle, since=since) as books:
                for event in events:
                    _note(books, event)


def _note(books: OpenBooks, event: Outcome) -> None:
    """Keep one piece of news, if it is."""
    if books.asked is None or not (events := books.asked.record_outcome(event)):
        return
    books.append(books.asked, events)
    if isinstance(event, CreditNoteIssued):
        take_off_ahead(books, books.asked, event.lines)


def _words(error: Exception) -> str:
    code = error.code if isinstance(error, CyclebookError) else type(error).__name__
    return f"{code}: {error}"


def _next_try(message: Message, now: datetime) -> datetime | None:
    """Pauses double; after the last attempt a person has to look."""
    if message.attempts + 1 >= ATTEMPTS_MAX:
        return None
    return now + min(FIRST_PAUSE * (1 << message.attempts), PAUSE_MAX)
