"""The story of a cycle for the customer: what happened to the bill, and nobody's name or reason.

What staff decided is told by what it did. Usage is told in spans, not record by record.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.events.amounts import (
    AmountOverridden,
    CreditApplied,
    DiscountEnded,
    DiscountGranted,
    HandedOver,
    LineWaived,
    OneOffItemAdded,
)
from domain.events.base import Recorded
from domain.events.cycle import (
    AttachmentQuantityChanged,
    CycleClosed,
    CycleClosing,
    CycleHeld,
    CycleOpened,
    CycleReleased,
    FinalizationStarted,
    PriceCorrected,
    ServiceAttached,
    ServiceDetached,
    ServiceSwapped,
    TrialEnded,
    TrialStarted,
)
from domain.events.late import (
    CorrectionReverted,
    LateAmountsBilled,
    LateFactsBilled,
    UsageCorrected,
    UsageRetracted,
)
from domain.events.organization import CreditGranted
from domain.events.outcome import (
    CreditNoteIssued,
    CreditNoteVoided,
    DisputeClosed,
    DisputeOpened,
    InvoiceBilledElsewhere,
    InvoiceFinalized,
    InvoicePaid,
    InvoicePastDue,
    InvoiceVoided,
    PaymentActionRequired,
    PaymentFailed,
    PaymentRecorded,
    RefundFailed,
    RefundRecorded,
)
from domain.events.usage import UsageRecorded
from domain.quantity import plain
from projections.diff import Cause
from projections.sentences.wording import Context, because, counted

ELSE = "Everything else that changed"
"""What is told of causes that have no sentence, and of many together."""

_AROUND = {
    "coming": "The fees of the next period changed",
    "carried_over": "Carried over from the period before",
    "late": "Usage of an earlier period that came late",
    "minimum": "The smallest amount that is billed changed",
    "tax": "The way tax is computed changed",
    "credits": "Your credit",
    "others": ELSE,
}
"""Causes that lie outside the cycle, by kind."""

SOMETHING = (ServiceAttached, AttachmentQuantityChanged, ServiceDetached, TrialStarted, TrialEnded)
"""Events of which a cycle begins with many that only carry over what runs already."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomerEntry:
    """One thing that happened. at: when, in the world. until: of usage, the end of its span."""

    at: datetime
    what: str
    until: datetime | None = None


def customer_story(history: Iterable[Recorded], currency: str) -> Iterator[CustomerEntry]:
    """A cycle's events as its customer reads them, oldest first by when they happened.

    currency: of the amounts in them.
    """
    yield from sorted(_entries(history, Context(currency=currency)), key=lambda each: each.at)


def cause_words(cause: Cause, currency: str) -> str:
    """Why an amount changed, for the customer. currency: of amounts in the sentence."""
    if cause.kind in _AROUND:
        return _AROUND[cause.kind]
    if cause.kind == "usage":
        return cause.what
    event = cause.event
    if isinstance(event, ServiceAttached) and event.carried:
        return f"{event.name} ({event.attachment}){_times(event)} runs on"
    sentence = SENTENCES.get(type(event))
    said = sentence(event, Context(currency=currency)) if sentence else None
    return said or ELSE


def _entries(history: Iterable[Recorded], context: Context) -> Iterator[CustomerEntry]:
    usage = _Usage()
    for recorded in history:
        event = recorded.event
        if isinstance(event, UsageRecorded):
            usage.take(recorded, event)
            continue
        what = _told(event, context)
        if what is not None:
            yield from usage.flushed()
            yield CustomerEntry(at=recorded.occurred_at, what=what)
    yield from usage.flushed()


@dataclass(slots=True)
class _Usage:
    """Usage since the last thing that was told."""

    records: int = 0
    since: datetime | None = None
    until: datetime | None = None

    def take(self, recorded: Recorded, event: UsageRecorded) -> None:
        self.records += len(event.records)
        self.since = self.since or recorded.recorded_at
        self.until = recorded.recorded_at

    def flushed(self) -> Iterator[CustomerEntry]:
        if self.records and self.since:
            what = f"{counted(self.records, 'usage record')} counted"
            yield CustomerEntry(at=self.since, what=what, until=self.until)
        self.records, self.since, self.until = 0, None, None


def _told(event: object, context: Context) -> str | None:
    """A sentence; ``None`` for what is no news for a customer."""
    if isinstance(event, SOMETHING) and getattr(event, "carried", False):
        return None
    sentence = SENTENCES.get(type(event))
    return sentence(event, context) if sentence else None


def _times(event: ServiceAttached | ServiceSwapped) -> str:
    return "" if event.quantity == 1 else f" × {plain(event.quantity)}"


def _discount(event: DiscountGranted, context: Context) -> str | None:
    if event.carried:
        return None
    off = f"{plain(event.percent)}%" if event.percent else context.money(event.amount or 0)
    return f"A discount of {off} was given"


def _handed_over(event: HandedOver, context: Context) -> str | None:
    return f"{context.signed(event.amount)} carried over" if event.amount else None


def _finalized(event: InvoiceFinalized, context: Context) -> str:
    number = f" {event.number}" if event.number else ""
    tax = f", {context.money(event.tax)} of it tax" if event.tax else ""
    return f"Invoice{number} issued over {context.money(event.total)}{tax}"


def _failed(event: PaymentFailed, context: Context) -> str:
    then = "; it will be tried again" if event.next_attempt_at else ""
    return f"A payment did not go through{because(event.reason.rstrip('.'))}{then}"


def _voided(event: InvoiceVoided, context: Context) -> str:
    then = "; a corrected one follows" if event.mode == "reissue" else ""
    return f"The invoice was taken back{then}"


def _credited(event: CreditNoteIssued, context: Context) -> str:
    whole = event.amount + (event.tax or 0)
    part = "all" if event.refund == whole else context.money(event.refund)
    back = f"; {part} of it is paid back to you" if event.refund else ""
    return f"{context.money(whole)} credited on this invoice{back}"


def _item(event: OneOffItemAdded, context: Context) -> str:
    return f"{event.description}: {context.money(event.amount)} added"


def _overridden(event: AmountOverridden, context: Context) -> str:
    return f"We set an amount to {context.money(event.amount)}"


Told = Callable[[Any, Context], str | None]

SENTENCES: Mapping[type, Told] = {
    CycleOpened: lambda event, _: "The billing period began",
    ServiceAttached: lambda event, _: f"{event.name} ({event.attachment}){_times(event)} added",
    ServiceSwapped: lambda event, _: f"{event.attachment} became {event.name}{_times(event)}",
    AttachmentQuantityChanged: lambda event, _: (
        f"{event.attachment} counts for {plain(event.quantity)} from here on"
    ),
    ServiceDetached: lambda event, _: f"{event.attachment} removed",
    TrialStarted: lambda event, _: f"Trial of {event.attachment} began: no recurring fees",
    TrialEnded: lambda event, _: f"Trial of {event.attachment} ended",
    PriceCorrected: lambda event, _: "We corrected a price",
    CycleHeld: lambda event, _: "We look into this invoice before we issue it",
    CycleReleased: lambda event, _: "We have looked into it",
    CycleClosing: lambda event, _: "The period is over; usage that arrives late still counts",
    CycleClosed: lambda event, _: "All usage of the period is counted",
    FinalizationStarted: lambda event, c: f"The bill comes to {c.money(event.subtotal)}",
    OneOffItemAdded: _item,
    CreditGranted: lambda event, c: f"A credit of {c.money(event.amount)} was given",
    CreditApplied: lambda event, c: f"{c.money(event.amount)} of your credit used",
    DiscountGranted: _discount,
    DiscountEnded: lambda event, _: None if event.carried else "A discount ended",
    LineWaived: lambda event, c: f"We took {c.money(event.amount)} off",
    AmountOverridden: _overridden,
    HandedOver: _handed_over,
    UsageRetracted: lambda event, _: "A usage record was taken back",
    UsageCorrected: lambda event, _: "A usage record was corrected",
    CorrectionReverted: lambda event, _: "The correction of a usage record was taken back",
    LateAmountsBilled: lambda event, _: "Usage of an earlier period that came late was added",
    LateFactsBilled: lambda event, _: "What came late for this period was settled",
    InvoiceFinalized: _finalized,
    PaymentActionRequired: lambda event, _: "Your bank asks you to confirm the payment",
    PaymentFailed: _failed,
    PaymentRecorded: lambda event, c: f"{c.money(event.amount)} received",
    InvoicePaid: lambda event, c: f"{c.money(event.amount)} paid. Thank you",
    InvoicePastDue: lambda event, _: "The invoice was not paid by its due date",
    InvoiceVoided: _voided,
    InvoiceBilledElsewhere: lambda event, _: (
        "You were billed for this period in another way: nothing is to be paid here"
    ),
    CreditNoteIssued: _credited,
    CreditNoteVoided: lambda event, c: f"A credit of {c.money(event.amount + event.tax)} ended",
    RefundRecorded: lambda event, c: f"{c.money(event.amount)} paid back to you",
    RefundFailed: lambda event, c: (
        f"A refund of {c.money(event.amount)} did not arrive; we pay it back another way"
    ),
    DisputeOpened: lambda event, c: f"Your bank looks into a payment of {c.money(event.amount)}",
    DisputeClosed: lambda event, _: "Your bank has decided about the payment",
}
"""What customers are told. Every other event is ours alone, or shows in an amount."""

OURS_ALONE = frozenset(
    {
        "ApprovalGiven",
        "ApprovalRequested",
        "DraftAdopted",
        "DraftMissed",
        "EditsAdopted",
        "InvoiceMarkedUncollectible",
        "LateFactsReopened",
        "LateProposalAccepted",
        "UnusualLinesFound",
    }
)
"""Events of a cycle that are no news for a customer, by name."""
