"""One line about each invoice, for lists: what the events of its cycle and at Stripe say."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from domain.cycle.status import STATUS_AFTER, Status
from domain.events.cycle import (
    CycleClosing,
    CycleHeld,
    CycleOpened,
    CycleReleased,
    FinalizationStarted,
)
from domain.events.outcome import (
    CreditNoteIssued,
    CreditNoteVoided,
    InvoiceFinalized,
    InvoiceVoided,
)
from domain.events.stripe_invoice import (
    DiscrepancyFound,
    InvoiceObserved,
    InvoiceProvedEqual,
    SyncFailed,
    SyncPlanned,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class InvoiceSummary:
    """An invoice as a list shows it. Amounts in minor units.

    status: of its cycle. held: why, while a hold lasts. total: once settled. credited: by
    credit notes, with their tax. stripe_state: ``none``, ``pending``, ``in_step``, ``drift``
    or ``failed`` as of the last event at Stripe. position: of the last event that counted here.
    """

    cycle: str
    organization: str
    currency: str
    starts: datetime
    ends: datetime
    status: str = Status.ACCRUING.value
    held: str | None = None
    total: int | None = None
    credited: int = 0
    number: str | None = None
    issued_at: datetime | None = None
    stripe_invoice: str | None = None
    stripe_state: str = "none"
    proved_at: datetime | None = None
    position: int = 0


def summary_of(event: CycleOpened, position: int) -> InvoiceSummary:
    """The line a cycle begins with."""
    return InvoiceSummary(
        cycle=event.cycle,
        organization=event.organization,
        currency=event.currency,
        starts=event.start,
        ends=event.end,
        position=position,
    )


def updated(known: InvoiceSummary, event: object, position: int) -> InvoiceSummary:
    """The line after one more event; the same line where the event says nothing it shows."""
    after = STATUS_AFTER.get(type(event))
    changes: dict[str, Any] = {"status": after.value} if after else {}
    changes |= _cycle_changes(known, event) or _stripe_changes(event)
    return replace(known, **changes, position=position) if changes else known


def _cycle_changes(known: InvoiceSummary, event: object) -> dict[str, Any]:
    match event:
        case CycleHeld():
            return {"held": event.reason}
        case CycleReleased():
            return {"held": None}
        case CycleClosing():
            return {"ends": event.at}
        case FinalizationStarted():
            return {"total": event.subtotal}
        case InvoiceFinalized():
            return {
                "total": event.total,
                "number": event.number,
                "issued_at": event.at,
                "stripe_invoice": event.stripe_invoice,
            }
        case CreditNoteIssued():
            return {"credited": known.credited + event.amount + (event.tax or 0)}
        case CreditNoteVoided():
            return {"credited": known.credited - event.amount - event.tax}
        case InvoiceVoided(mode="reissue"):
            return _NEXT_REVISION
        case _:
            return {}


_NEXT_REVISION: dict[str, Any] = {
    "status": Status.CLOSED.value,
    "total": None,
    "credited": 0,
    "number": None,
    "issued_at": None,
    "stripe_invoice": None,
    "stripe_state": "none",
    "proved_at": None,
}
"""What the void invoice came to is its own: the next revision begins without."""


def _stripe_changes(event: object) -> dict[str, Any]:
    match event:
        case SyncPlanned():
            return {"stripe_state": "pending"}
        case DiscrepancyFound():
            return {"stripe_state": "drift"}
        case SyncFailed():
            return {"stripe_state": "failed"}
        case InvoiceObserved(status="void"):
            return {}  # it may be of the revision before
        case InvoiceObserved():
            return {"stripe_invoice": None if event.status == "deleted" else event.invoice}
        case InvoiceProvedEqual():
            return {
                "stripe_state": "in_step",
                "stripe_invoice": event.invoice,
                "proved_at": event.read_at,
            }
        case _:
            return {}
