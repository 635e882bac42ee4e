"""Issuing: settled invoices go to Stripe for good, and what became of them is recorded."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from application.desired import organization_of
from application.gateway import StripeStream
from application.ports import Books, OpenBooks
from application.settling import Waiting
from domain.billing_cycle import BillingCycle, Outcome, Status
from domain.errors import CyclebookError, StoreUnavailable
from domain.events.cycle import FinalizationStarted
from domain.events.outcome import (
    InvoiceBilledElsewhere,
    InvoiceFinalized,
    InvoiceMarkedUncollectible,
    InvoicePaid,
    InvoicePastDue,
    InvoiceVoided,
)
from domain.events.stripe_invoice import StripeInvoiceFinalized
from domain.stripe_invoice import StripeInvoice

BilledByOthers = Callable[[str], bool]
"""Whether another program bills a cycle, by the cycle's name."""


def by_nobody_else(cycle: str) -> bool:
    """All cycles are ours to bill."""
    return False


class Finalizer(Protocol):
    """Syncs drafts and issues settled invoices at Stripe, as conflicts are decided."""

    def sync(self, cycle: str, actor: str) -> object:
        """Make the draft equal the books. Safe to repeat; raises where it cannot be done."""
        ...

    def finalize(self, cycle: str, actor: str) -> object:
        """Sync, prove and finalize. Safe to repeat; raises where it cannot be done."""
        ...


class Issuing:
    """Takes settled cycles to ``issued``. Every step looks afresh and does nothing twice.

    theirs: what another program bills is issued in our books alone, and asks for nothing.
    """

    def __init__(
        self,
        books: Books,
        finalizer: Finalizer,
        stripe: StripeStream,
        theirs: BilledByOthers = by_nobody_else,
    ) -> None:
        self._books = books
        self._finalizer = finalizer
        self._stripe = stripe
        self._theirs = theirs

    def take_edits(self, cycle: str, actor: str) -> Waiting | None:
        """Sync a cycle that is not settled, so that the books know what others did to its draft.

        Raises:
            StoreUnavailable: nothing is known.
        """
        try:
            self._finalizer.sync(cycle, actor)
        except StoreUnavailable:
            raise
        except CyclebookError as refusal:
            return Waiting(cycle=cycle, code=refusal.code, reason=str(refusal))
        return None

    def issue(self, cycle: str, now: datetime, actor: str, reason: str = "") -> Waiting | None:
        """Issue a settled cycle at Stripe; record the answer, and what became of it already.

        reason: why a person asks for it; told where it was not when the cycle was settled.

        Raises:
            StoreUnavailable: what is not done yet is still due.
        """
        try:
            self._finalizer.finalize(cycle, actor)
        except StoreUnavailable:
            raise
        except CyclebookError as refusal:
            return Waiting(cycle=cycle, code=refusal.code, reason=str(refusal))
        answer, _ = self._stripe.load(cycle)
        with self._books.change(organization_of(cycle), actor=actor, cycle=cycle) as books:
            found = books.asked
            if found is not None and found.settled is not None:
                facts = _facts(answer, found.revision)
                issued = _issued(found.settled, facts, now)
                told = issued if reason == found.settled.reason else replace(issued, reason=reason)
                books.append(found, found.finalize(told))
                # Paid while it was issued: the webhook that said so may have come too early.
                if facts and (outcome := _outcome(answer.status, facts, now)):
                    books.append(found, found.record_outcome(outcome))
                self._note_elsewhere(books, found, now)
        return None

    def note_elsewhere(self, organization: str, now: datetime, actor: str) -> None:
        """Say of invoices that were issued before we said so that another program billed them.

        Raises:
            NotFound: there is no such organization.
        """
        for known in self._books.outstanding(organization):
            if self._is_theirs(known):
                with self._books.change(organization, actor=actor, cycle=known.id) as books:
                    if books.asked is not None:
                        self._note_elsewhere(books, books.asked, now)

    def _note_elsewhere(self, books: OpenBooks, cycle: BillingCycle, now: datetime) -> None:
        if self._is_theirs(cycle):
            books.append(cycle, cycle.record_outcome(InvoiceBilledElsewhere(at=now)))

    def _is_theirs(self, cycle: BillingCycle) -> bool:
        """Whether it was issued, not at Stripe, and another program bills it."""
        issued = cycle.issued
        return issued is not None and issued.stripe_invoice is None and self._theirs(cycle.id)


def note_past_due(books: OpenBooks, now: datetime) -> list[str]:
    """Say which issued invoices were not paid in time."""
    late = [cycle for cycle in books.issued if is_past_due(cycle, now)]
    for cycle in late:
        books.append(cycle, cycle.record_outcome(InvoicePastDue(at=now)))
    return [cycle.id for cycle in late]


def is_past_due(cycle: BillingCycle, now: datetime) -> bool:
    """Whether an invoice's due date has passed and nobody said so yet."""
    due = cycle.issued.due_at if cycle.issued else None
    return cycle.status is Status.ISSUED and due is not None and due < now


def _facts(stripe: StripeInvoice, revision: int) -> StripeInvoiceFinalized | None:
    """Stripe's facts of this revision's invoice; the void one before it does not count."""
    facts = stripe.finalized
    return facts if facts and facts.invoice == stripe.live(revision) else None


def _issued(
    settled: FinalizationStarted, facts: StripeInvoiceFinalized | None, at: datetime
) -> InvoiceFinalized:
    """What was issued: Stripe's facts, or our own total where nothing is at Stripe."""
    if facts is None:
        return InvoiceFinalized(at=at, total=settled.subtotal)
    return InvoiceFinalized(
        at=facts.finalized_at or at,
        total=facts.total,
        number=facts.number,
        stripe_invoice=facts.invoice,
        tax=facts.tax,
        due_at=facts.due_at,
    )


def _outcome(status: str | None, facts: StripeInvoiceFinalized, at: datetime) -> Outcome | None:
    """What became of the issued invoice, as our record of Stripe has it."""
    match status:
        case "paid":
            return InvoicePaid(at=at, amount=facts.amount_due)
        case "void":
            return InvoiceVoided(at=at, reason="voided at Stripe")
        case "uncollectible":
            return InvoiceMarkedUncollectible(at=at)
        case _:
            return None
