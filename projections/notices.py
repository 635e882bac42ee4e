"""From the log to notices: which events somebody should be told of, and what about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain.events.case import (
    CaseAcknowledged,
    CaseCommented,
    CaseEvent,
    CaseReopened,
    CaseReported,
    CaseResolved,
)
from domain.events.cycle import UnusualLinesFound
from domain.events.outcome import (
    CreditNoteIssued,
    DisputeClosed,
    DisputeOpened,
    InvoiceFinalized,
    InvoiceMarkedUncollectible,
    InvoicePaid,
    InvoicePastDue,
    InvoiceVoided,
    PaymentActionRequired,
    PaymentFailed,
    RefundFailed,
    RefundRecorded,
)
from domain.events.stripe_invoice import DiscrepancyFound
from domain.period import written_utc
from projections.invoice_summary import InvoiceSummary

Data = dict[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """Something that happened and that somebody should be told.

    kind: such as ``invoice.issued``. organization: whom it is about, empty where it is nobody in
    particular. occurrence: what it is told once for, such as
    ``alert.reached/a1/acme.2026-01-01``. at: when it happened. cycle: the billing cycle it is
    about, if any. data: what the kind says about it, fit for JSON; no names and no addresses.
    """

    kind: str
    organization: str
    occurrence: str
    at: datetime
    cycle: str | None = None
    data: Mapping[str, object] = field(default_factory=dict)


TOLD = (
    InvoiceFinalized,
    InvoicePaid,
    InvoicePastDue,
    InvoiceVoided,
    InvoiceMarkedUncollectible,
    PaymentActionRequired,
    PaymentFailed,
    CreditNoteIssued,
    RefundRecorded,
    RefundFailed,
    DisputeOpened,
    DisputeClosed,
    DiscrepancyFound,
    UnusualLinesFound,
)
"""Events of a cycle, and of its invoice at Stripe, that lead to a notice."""


def notice_of(
    event: object, invoice: InvoiceSummary, *, position: int, recorded_at: datetime
) -> Notice | None:
    """What an event has to tell, or ``None``.

    invoice: of the event's cycle, as its list shows it. position, recorded_at: of the event in
    the log. Each event is one occurrence.
    """
    kind, said = _told(event)
    if not kind:
        return None
    return Notice(
        kind=kind,
        organization=invoice.organization,
        occurrence=f"{kind}/{invoice.cycle}/{position}",
        at=getattr(event, "at", recorded_at),
        cycle=invoice.cycle,
        data={**said, "invoice": shown(invoice)},
    )


def case_notice(event: CaseEvent, *, position: int) -> Notice | None:
    """What an event of a case has to tell; ``None`` for what support writes to itself.

    What people wrote is not in it: whoever may see the case reads it there.
    """
    kind, said = _of_case(event)
    if not kind:
        return None
    return Notice(
        kind=kind,
        organization=event.organization,
        occurrence=f"{kind}/{event.case}/{position}",
        at=event.at,
        cycle=getattr(event, "cycle", None),
        data={"case": event.case, **said},
    )


def _of_case(event: CaseEvent) -> tuple[str, Data]:
    match event:
        case CaseReported():
            return "case.reported", {"by": event.by, "line": event.line}
        case CaseAcknowledged():
            return "case.acknowledged", {}
        case CaseCommented(visibility="public"):
            return "case.commented", {"by": event.by}
        case CaseResolved():
            return "case.resolved", {"resolution": event.kind}
        case CaseReopened():
            return "case.reopened", {"by": event.by}
        case _:
            return "", {}


def shown(invoice: InvoiceSummary) -> Data:
    """An invoice as notices show it. Amounts in minor units; ``total`` once it is settled."""
    return {
        "cycle": invoice.cycle,
        "currency": invoice.currency,
        "number": invoice.number,
        "status": invoice.status,
        "total": invoice.total,
        "period": {"start": written_utc(invoice.starts), "end": written_utc(invoice.ends)},
    }


def _told(event: object) -> tuple[str, Data]:
    match event:
        case DiscrepancyFound(discrepancy=found):
            return "discrepancy.found", {
                "discrepancy": found.id,
                "what": found.kind,
                "ours": found.ours,
                "theirs": found.theirs,
            }
        case UnusualLinesFound():
            return "usage.unusual", {"lines": [each._asdict() for each in event.lines]}
        case CreditNoteIssued():
            return "invoice.credited", {
                "note": event.note,
                "amount": event.amount + (event.tax or 0),
                "reason": event.reason,
            }
        case InvoiceFinalized(stripe_invoice=None) if event.total:
            return "", {}  # another program bills it: nobody is asked for anything
        case InvoiceFinalized() | InvoicePastDue() | InvoiceVoided() | InvoiceMarkedUncollectible():
            return _life(event)
        case _:
            return _money(event)


def _life(event: object) -> tuple[str, Data]:
    match event:
        case InvoiceFinalized():
            return "invoice.issued", {
                "total": event.total,
                "tax": event.tax,
                "number": event.number,
                "due_at": _instant(event.due_at),
            }
        case InvoiceVoided():
            return "invoice.voided", {"mode": event.mode or "undecided", "reason": event.reason}
        case InvoiceMarkedUncollectible():
            return "invoice.uncollectible", {"reason": event.reason}
        case _:
            return "invoice.past_due", {}


def _money(event: object) -> tuple[str, Data]:
    match event:
        case InvoicePaid():
            return "invoice.paid", {"amount": event.amount}
        case PaymentActionRequired():
            return "invoice.action_required", {"attempt": event.attempt}
        case PaymentFailed():
            return "invoice.payment_failed", {
                "attempt": event.attempt,
                "reason": event.reason,
                "next_attempt_at": _instant(event.next_attempt_at),
            }
        case RefundRecorded() | RefundFailed():
            failed = isinstance(event, RefundFailed)
            said: Data = {"refund": event.refund, "amount": event.amount, "reason": event.reason}
            return "invoice.refund_failed" if failed else "invoice.refunded", said
        case DisputeOpened():
            return "invoice.disputed", {
                "dispute": event.dispute,
                "status": "opened",
                "amount": event.amount,
                "reason": event.reason,
            }
        case DisputeClosed():
            said = {"dispute": event.dispute, "status": "closed", "outcome": event.outcome}
            return "invoice.disputed", said
        case _:
            return "", {}


def _instant(at: datetime | None) -> str | None:
    return None if at is None else written_utc(at)
