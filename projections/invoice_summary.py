"""One line about each invoice, for lists: what the events of its cycle and at Stripe say."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from domain.billing_cycle import Status
from domain.events.cycle import (
    CycleClosed,
    CycleClosing,
    CycleHeld,
    CycleOpened,
    CycleReleased,
    FinalizationStarted,
    InvoiceFinalized,
    InvoiceMarkedUncollectible,
    InvoicePaid,
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

    status: of its cycle. held: why, while a hold lasts. total: once settled. stripe_state:
    ``none``, ``pending``, ``in_step``, ``drift`` or ``failed`` as of the last event at Stripe.
    position: of the last event that counted here.
    """

    cycle: str
    organization: str
    currency: str
    starts: datetime
    ends: datetime
    status: str = Status.ACCRUING.value
    held: str | None = None
    total: int | None = None
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
    changes = _STATUS.get(type(event)) or _cycle_changes(event) or _stripe_changes(event)
    return replace(known, **changes, position=position) if changes else known


_STATUS: dict[type, dict[str, Any]] = {
    CycleClosing: {"status": Status.CLOSING.value},
    CycleClosed: {"status": Status.CLOSED.value},
    InvoicePaid: {"status": Status.PAID.value},
    InvoiceVoided: {"status": Status.VOID.value},
    InvoiceMarkedUncollectible: {"status": Status.UNCOLLECTIBLE.value},
    CycleReleased: {"held": None},
    SyncPlanned: {"stripe_state": "pending"},
    DiscrepancyFound: {"stripe_state": "drift"},
    SyncFailed: {"stripe_state": "failed"},
}


def _cycle_changes(event: object) -> dict[str, Any]:
    match event:
        case CycleHeld():
            return {"held": event.reason}
        case FinalizationStarted():
            return {"status": Status.FINALIZING.value, "total": event.subtotal}
        case InvoiceFinalized():
            return {
                "status": Status.ISSUED.value,
                "total": event.total,
                "number": event.number,
                "issued_at": event.at,
                "stripe_invoice": event.stripe_invoice,
            }
        case _:
            return {}


def _stripe_changes(event: object) -> dict[str, Any]:
    match event:
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
