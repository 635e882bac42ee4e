"""The webhook inbox: each message from Stripe is stored once, answered, and handled afterwards."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from application.desired import organization_of
from application.gateway import InvoiceGateway, StripeStream
from application.ports import Books
from domain.errors import Busy, CyclebookError, NotFound, StoreUnavailable
from domain.events.cycle import InvoiceMarkedUncollectible, InvoicePaid, InvoiceVoided
from domain.identity import parse_cycle_name
from projections.remote_invoice import RemoteInvoice, RemoteStatus, news

ACTOR = "stripe"
ATTEMPTS_MAX = 20
FIRST_PAUSE = timedelta(seconds=2)
PAUSE_MAX = timedelta(hours=1)
LEASE = timedelta(minutes=5)
"""How long a claimed event is kept from other workers."""

Outcome = InvoicePaid | InvoiceVoided | InvoiceMarkedUncollectible


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
    changed by others.
    """

    def __init__(
        self,
        store: InboxStore,
        books: Books,
        gateway: InvoiceGateway,
        stripe: StripeStream,
        resync: Callable[[str], None],
    ) -> None:
        self._store = store
        self._books = books
        self._gateway = gateway
        self._stripe = stripe
        self._resync = resync

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
        if not message.type.startswith("invoice."):
            return
        seen = self._gateway.glance(message.object_id)
        cycle = (seen.marks.cycle if seen else "") or message.cycle
        if not cycle or parse_cycle_name(cycle) is None:
            # An invoice that is none of ours, such as a subscription's own.
            return
        if seen is None or seen.is_draft:
            if seen is None or self._is_news(cycle, seen):
                self._resync(cycle)
            return
        self._record_stripe(cycle, seen)
        self._record_outcome(cycle, seen, now)

    def _is_news(self, cycle: str, draft: RemoteInvoice) -> bool:
        """Whether somebody else changed a draft: what we wrote ourselves is on our record.

        Raises:
            Busy: a sync is writing just now, so that nobody can tell yet.
        """
        state, _ = self._stripe.load(cycle)
        if state.open is not None:
            raise Busy(f"{cycle} is being synced", cycle=cycle)
        return bool(news(state, self._gateway.complete(draft), draft.marks.revision))

    def _record_stripe(self, cycle: str, seen: RemoteInvoice) -> None:
        """Bring our record of the invoice up to what was read, if it is the one we know."""
        state, version = self._stripe.load(cycle)
        if state.invoice != seen.id:
            raise NotFound(f"{seen.id} carries {cycle}, whose invoice is {state.invoice}")
        if events := news(state, self._gateway.complete(seen), seen.marks.revision):
            self._stripe.append(cycle, version, events, ACTOR)
            self._resync(cycle)

    def _record_outcome(self, cycle: str, seen: RemoteInvoice, now: datetime) -> None:
        outcome = _outcome(seen, now)
        if outcome is None:
            return
        with self._books.change(organization_of(cycle), actor=ACTOR, cycle=cycle) as books:
            if books.asked and (events := books.asked.record_outcome(outcome)):
                books.append(books.asked, events)


def _outcome(seen: RemoteInvoice, now: datetime) -> Outcome | None:
    """What became of the invoice, where that says something of the cycle."""
    match seen.status:
        case RemoteStatus.PAID:
            return InvoicePaid(at=now, amount=seen.issue.amount_paid)
        case RemoteStatus.VOID:
            return InvoiceVoided(at=now, reason="voided at Stripe")
        case RemoteStatus.UNCOLLECTIBLE:
            return InvoiceMarkedUncollectible(at=now)
        case _:
            return None


def _words(error: Exception) -> str:
    code = error.code if isinstance(error, CyclebookError) else type(error).__name__
    return f"{code}: {error}"


def _next_try(message: Message, now: datetime) -> datetime | None:
    """Pauses double; after the last attempt a person has to look."""
    if message.attempts + 1 >= ATTEMPTS_MAX:
        return None
    return now + min(FIRST_PAUSE * (1 << message.attempts), PAUSE_MAX)
