"""What a message from Stripe leads to: the object it is about is read afresh, and news recorded."""

import re
from collections.abc import Callable
from datetime import datetime
from itertools import groupby

from application.desired import organization_of
from application.former_customers import FormerCustomers
from application.gateway import InvoiceGateway, StripeStream
from application.handed_over import take_off_ahead
from application.inbox import Message
from application.outcomes import STRIPE, Outcomes, Said
from application.ports import Books, OpenBooks
from domain.billing_cycle import Outcome
from domain.errors import Busy, NotFound
from domain.events.outcome import CreditNoteIssued, CreditNoteVoided
from domain.events.stripe_invoice import StripeInvoiceFinalized
from domain.events.usage import EPOCH
from domain.identity import parse_cycle_name
from domain.stripe_invoice import StripeInvoice
from projections.remote_invoice import RemoteInvoice, news

MONEY_BACK = ("charge.", "refund.")
"""Kinds of events about money that went back, which an invoice itself does not show."""

NOTES = "credit_note."
"""Kinds of events about credit notes: one that was taken back does not show either."""

RENEWED = ("invoice.created", "invoice.finalized")
"""What tells that a subscription made an invoice; the second that it is too late to claim it."""

_ID = re.compile(r"[A-Za-z0-9_]{1,255}")


class Handling:
    """Turns what is news into events on the billing cycle.

    resync: raises a cycle's place in the queue of syncs, where Stripe's draft may have been
    changed by others. renewed: told of an invoice that carries no cycle, by Stripe's id: a
    subscription may have made it for one.
    """

    def __init__(
        self,
        books: Books,
        gateway: InvoiceGateway,
        stripe: StripeStream,
        resync: Callable[[str], None],
        renewed: Callable[[str], object],
    ) -> None:
        self._books = books
        self._gateway = gateway
        self._stripe = stripe
        self._resync = resync
        self._renewed = renewed
        self._customers = FormerCustomers(books, gateway, stripe, resync)

    def __call__(self, message: Message, now: datetime) -> None:
        """Look afresh: what the message itself says may be old."""
        if message.type.startswith("customer."):
            self._customers.look(message)
            return
        invoice = self._gateway.invoice_of(message.type, message.object_id)
        if not invoice:
            return
        seen = self._gateway.glance(invoice)
        cycle = (seen.marks.cycle if seen else "") or message.cycle
        if not cycle or parse_cycle_name(cycle) is None:
            if seen and message.type in RENEWED:
                self._renewed(seen.id)
            return
        if seen and self._is_half_claimed(cycle, seen):
            self._renewed(seen.id)
            return
        if seen is None or seen.is_draft:
            if seen is None or self._is_news(cycle, seen):
                self._resync(cycle)
            return
        if record := self._record_stripe(cycle, seen, message):
            self._record_outcomes(cycle, seen, record, message, now)

    def _is_half_claimed(self, cycle: str, seen: RemoteInvoice) -> bool:
        """Whether a subscription's draft carries a cycle whose books never took it over."""
        if not (seen.is_draft and seen.subscription):
            return False
        known = self._books.snapshot(organization_of(cycle), cycle).asked
        draft = known.cycle.draft if known else None
        return draft is None or draft.invoice != seen.id

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
            if any(isinstance(each, StripeInvoiceFinalized) for each in events):
                self._begin_next(cycle)
            state, _ = self._stripe.load(cycle)
        return state

    def _begin_next(self, cycle: str) -> None:
        """Others finalized it: the next cycle's draft is to be there, unless it is empty."""
        known = self._books.snapshot(organization_of(cycle), cycle)
        start = known.asked.cycle.period.start if known.asked else None
        for each in known.cycles:
            if start is not None and each.cycle.period.start > start:
                self._resync(each.cycle.id)

    def _record_outcomes(
        self,
        cycle: str,
        seen: RemoteInvoice,
        record: StripeInvoice,
        message: Message,
        now: datetime,
    ) -> None:
        known = self._books.snapshot(organization_of(cycle), cycle).asked
        noted = message.type.startswith(NOTES) or bool(known and known.cycle.notes)
        said = Outcomes(self._gateway, seen, now).of(
            record,
            money_back=message.type.startswith(MONEY_BACK),
            noted=noted,
        )
        self._record(cycle, list(said))

    def _record(self, cycle: str, said: list[Said]) -> None:
        """Keep what is news to the cycle, one change for each who did it."""
        organization = organization_of(cycle)
        for actor, theirs in groupby(said, key=lambda each: each[0]):
            events = [event for _, event in theirs]
            notes = any(isinstance(each, CreditNoteIssued | CreditNoteVoided) for each in events)
            since = EPOCH if notes else None
            with self._books.change(organization, actor=actor, cycle=cycle, since=since) as books:
                for event in events:
                    _note(books, event)


def cycle_named(gateway: InvoiceGateway, invoice: str) -> str:
    """The cycle of an invoice, by the cycle's name or by Stripe's id of the invoice.

    Raises:
        NotFound: there is no such invoice, or it is none of ours.
        GatewayError: Stripe could not be read.
    """
    if parse_cycle_name(invoice) is not None:
        return invoice
    seen = gateway.glance(invoice) if _ID.fullmatch(invoice) else None
    if seen is None or parse_cycle_name(seen.marks.cycle) is None:
        raise NotFound(f"there is no billing cycle, and no invoice of one, called {invoice:.80}")
    return seen.marks.cycle


def _note(books: OpenBooks, event: Outcome) -> None:
    """Keep one piece of news, if it is."""
    cycle = books.asked
    if cycle is None or not (events := cycle.record_outcome(event)):
        return
    books.append(cycle, events)
    match event:
        case CreditNoteIssued():
            take_off_ahead(books, cycle, event.lines)
        case CreditNoteVoided() if event.note in cycle.notes:
            lines = cycle.notes[event.note].lines
            take_off_ahead(books, cycle, {line: -amount for line, amount in lines.items()})
