"""Where a billing cycle is in its life, what moves it on, and what becomes of its invoice."""

from enum import StrEnum

from domain.events.cycle import CycleClosed, CycleClosing, FinalizationStarted
from domain.events.outcome import (
    CreditNoteIssued,
    CreditNoteVoided,
    DisputeClosed,
    DisputeOpened,
    InvoiceBilledElsewhere,
    InvoiceFinalized,
    InvoiceMarkedUncollectible,
    InvoicePaid,
    InvoicePastDue,
    InvoiceVoided,
    PaymentActionRequired,
    PaymentFailed,
    PaymentRecorded,
    RefundFailed,
    RefundRecorded,
)


class Status(StrEnum):
    """Where a cycle is in its life. ``closed`` has its usage cut-off and waits to be issued."""

    ACCRUING = "accruing"
    CLOSING = "closing"
    CLOSED = "closed"
    FINALIZING = "finalizing"
    ISSUED = "issued"
    PAST_DUE = "past_due"
    PAID = "paid"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"
    BILLED_ELSEWHERE = "billed_elsewhere"


ACCEPTS_USAGE = frozenset({Status.ACCRUING, Status.CLOSING})
UNSETTLED = frozenset({Status.ACCRUING, Status.CLOSING, Status.CLOSED})
UNISSUED = frozenset({*UNSETTLED, Status.FINALIZING})
OUTSTANDING = frozenset({Status.ISSUED, Status.PAST_DUE, Status.UNCOLLECTIBLE})
OWES_NOTHING = frozenset({Status.PAID, Status.VOID, Status.BILLED_ELSEWHERE})

STATUS_AFTER: dict[type, Status] = {
    CycleClosing: Status.CLOSING,
    CycleClosed: Status.CLOSED,
    FinalizationStarted: Status.FINALIZING,
    InvoiceFinalized: Status.ISSUED,
    InvoicePastDue: Status.PAST_DUE,
    InvoicePaid: Status.PAID,
    InvoiceVoided: Status.VOID,
    InvoiceMarkedUncollectible: Status.UNCOLLECTIBLE,
    InvoiceBilledElsewhere: Status.BILLED_ELSEWHERE,
}
"""The events that move a cycle on in its life, and where to."""

Outcome = (
    InvoicePaid
    | InvoicePastDue
    | InvoiceVoided
    | InvoiceMarkedUncollectible
    | InvoiceBilledElsewhere
    | PaymentActionRequired
    | PaymentFailed
    | PaymentRecorded
    | CreditNoteIssued
    | CreditNoteVoided
    | RefundRecorded
    | RefundFailed
    | DisputeOpened
    | DisputeClosed
)
"""What became of an issued invoice."""
