"""Paying: money that came in and that a person notes, where no processor collects it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from application.changing import Effect, Runner, append
from application.desired import organization_of
from application.gateway import StripeStream
from application.ports import OpenBooks
from application.views import Receipt
from domain.errors import InvalidInput, NotFound, RuleViolation
from domain.events.cycle import CycleEvent
from domain.events.outcome import InvoicePaid, PaymentRecorded
from domain.text import written
from projections.remote_invoice import RemoteInvoice, RemoteStatus

REFERENCE_MAX = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class NewPayment:
    """Money that came in. amount: minor units. reference: such as the bank's; names it."""

    amount: int
    reference: str
    received_at: datetime


class TakesPayments(Protocol):
    """A processor that is told what came in."""

    def take_payment(
        self, invoice: str, amount: int, reference: str, received_at: datetime, actor: str
    ) -> None:
        """Note a payment of an issued invoice. The same reference again does nothing."""
        ...


class Paying:
    """Notes payments by hand. The same twice does nothing.

    processor: none where it collects payments itself. look: reads a cycle's invoice there
    afresh, records what is news to our record of it, and answers it.
    """

    def __init__(
        self,
        processor: TakesPayments | None,
        look: Callable[[str, str], RemoteInvoice | None],
        stripe: StripeStream,
        run: Runner[Receipt],
        now: Callable[[], datetime],
    ) -> None:
        self._processor = processor
        self._look = look
        self._stripe = stripe
        self._run = run
        self._now = now

    def note(self, cycle: str, payment: NewPayment, *, actor: str) -> Receipt:
        """Note that an invoice, or a part of it, was paid.

        The processor is told first: a crash in between is mended by saying the same again, or
        by the daily reconciliation.

        Raises:
            NotFound: there is no such cycle.
            InvalidInput: nothing was paid, or not yet.
            RuleViolation: the invoice is not issued there, is paid or void, or less is left to
                be paid; or the processor collects payments itself.
        """
        if payment.amount <= 0:
            raise InvalidInput("amount must be above zero", field="amount")
        if payment.received_at > self._now():
            raise InvalidInput("received_at must not lie ahead", field="received_at")
        reference = written(payment.reference, "reference", REFERENCE_MAX)
        seen = self._take(cycle, payment, reference, actor)

        def change(books: OpenBooks) -> Effect:
            asked = books.asked
            if asked is None:
                raise NotFound(f"there is no billing cycle {cycle}", cycle=cycle)
            paid = PaymentRecorded(
                at=payment.received_at, amount=payment.amount, reference=reference
            )
            events: list[CycleEvent] = asked.record_outcome(paid)
            if seen.status is RemoteStatus.PAID:
                whole = InvoicePaid(at=payment.received_at, amount=seen.issue.amount_paid)
                events += asked.record_outcome(whole)
            return append(books, asked, events)

        return self._run(organization_of(cycle), change, actor=actor, cycle=cycle)

    def payable(self, cycle: str) -> str:
        """The id of the issued invoice that a payment can be noted for.

        Raises:
            RuleViolation: there is none; or the processor collects payments itself.
        """
        return self._payable(cycle)[0]

    def _payable(self, cycle: str) -> tuple[str, TakesPayments]:
        if self._processor is None:
            raise RuleViolation(
                "payments are collected by Stripe, and noted from there: one that came another "
                "way is marked as paid in its Dashboard",
                code="collected_elsewhere",
            )
        state, _ = self._stripe.load(cycle)
        invoice = state.live(state.revision)
        if invoice is None or state.finalized is None:
            raise RuleViolation(f"{cycle} has no issued invoice", code="not_issued", cycle=cycle)
        return invoice, self._processor

    def _take(self, cycle: str, payment: NewPayment, reference: str, actor: str) -> RemoteInvoice:
        """Tell the processor; the invoice as it is there now."""
        invoice, processor = self._payable(cycle)
        processor.take_payment(invoice, payment.amount, reference, payment.received_at, actor)
        seen = self._look(cycle, actor)
        assert seen is not None  # an issued invoice is never deleted
        return seen
