"""How an invoice stands, in a customer's words: its state, its check, payments that failed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from application.views import InvoiceView, OrganizationView, StripeBadge
from domain.billing_cycle import BillingCycle, Outcome
from domain.events.outcome import (
    DisputeClosed,
    DisputeOpened,
    InvoicePaid,
    PaymentActionRequired,
    PaymentFailed,
)
from domain.events.stripe_invoice import InvoiceProvedEqual

GOOD, WAIT, BAD, NONE = "good", "wait", "bad", "none"


class State(NamedTuple):
    """A state in words. kind: how it looks, one of ``parts.badge``."""

    words: str
    kind: str


_STATES: Mapping[str, State] = {
    "accruing": State("Running", NONE),
    "closing": State("Period over", NONE),
    "closed": State("About to be issued", NONE),
    "finalizing": State("Being issued", WAIT),
    "issued": State("To be paid", WAIT),
    "past_due": State("Overdue", BAD),
    "paid": State("Paid", GOOD),
    "void": State("Taken back", NONE),
    "uncollectible": State("Not paid", BAD),
    "billed_elsewhere": State("Billed in another way", NONE),
}
_HELD = State("We are checking it", WAIT)
_NOTHING_OWED = State("Nothing to pay", GOOD)


def state_of(status: str, held: bool, total: int | None = None) -> State:
    """Where an invoice is in its life. total: minor units, ``None`` while it is not settled."""
    if held:
        return _HELD
    if status == "issued" and total is not None and total <= 0:
        return _NOTHING_OWED
    return _STATES[status]


class Check(NamedTuple):
    """How the invoice compares with the payment provider's copy. at: when it was last equal.

    total: what it came to then, in minor units, where that is not what it comes to now.
    """

    words: str
    kind: str
    at: datetime | None
    total: int | None = None


_CHECKS: Mapping[str, tuple[str, str]] = {
    "none": ("Nothing to compare yet", NONE),
    "in_step": ("Checked against our payment provider", GOOD),
    "pending": ("Being updated at our payment provider", WAIT),
    "drift": ("We are looking into a difference at our payment provider", WAIT),
    "failed": ("Our payment provider is behind; we are on it", WAIT),
}


def check_of(badge: StripeBadge, proof: InvoiceProvedEqual | None) -> Check:
    """The check in words; what is wrong inside is not a customer's trouble."""
    words, kind = _CHECKS[badge.state]
    behind = proof is not None and badge.state != "in_step"
    return Check(words, kind, badge.proved_at, proof.subtotal if proof and behind else None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """Why money did not arrive. words: a sentence. next_at: when it is tried again."""

    words: str
    next_at: datetime | None = None


def trouble_of(outcomes: Iterable[Outcome]) -> Trouble | None:
    """What stands in the way of a payment now, by what was last heard; ``None`` for nothing."""
    found: Trouble | None = None
    for outcome in outcomes:
        match outcome:
            case PaymentFailed():
                found = _failed(outcome)
            case PaymentActionRequired():
                found = Trouble(words="Your bank asks you to confirm the payment.")
            case DisputeOpened():
                found = Trouble(words="Your bank is looking into a payment you asked about.")
            case InvoicePaid() | DisputeClosed():
                found = None
    return found


def _failed(event: PaymentFailed) -> Trouble:
    reason = event.reason.strip().rstrip(".")
    why = f": {reason}." if reason else "."
    return Trouble(words=f"The payment did not go through{why}", next_at=event.next_attempt_at)


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenInvoice:
    """An issued invoice that is not paid. owed: minor units."""

    cycle: str
    number: str | None
    owed: int
    currency: str
    due_at: datetime | None
    overdue: bool
    trouble: Trouble | None


def open_invoices(cycles: Iterable[BillingCycle], now: datetime) -> tuple[OpenInvoice, ...]:
    """What is to be paid, oldest first."""
    return tuple(_open(cycle, now) for cycle in cycles if cycle.owed > 0)


def _open(cycle: BillingCycle, now: datetime) -> OpenInvoice:
    due_at = cycle.issued.due_at if cycle.issued else None
    late = due_at is not None and due_at < now
    return OpenInvoice(
        cycle=cycle.id,
        number=cycle.issued.number if cycle.issued else None,
        owed=cycle.owed,
        currency=cycle.currency,
        due_at=due_at,
        overdue=late or cycle.status.value in ("past_due", "uncollectible"),
        trouble=trouble_of(cycle.outcomes),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Collection:
    """When and how an invoice that is not issued yet will be collected."""

    issued_at: datetime
    charged: bool
    due_at: datetime | None
    tax: bool


def collection_of(view: InvoiceView, organization: OrganizationView) -> Collection:
    """By the organization's policies as they are now."""
    policies = organization.policies
    grace, days = policies["grace_s"], policies["days_until_due"]
    assert isinstance(grace, int)
    assert isinstance(days, int)
    issued_at = view.invoice.period.end + timedelta(seconds=grace)
    charged = policies["collection"] == "charge_automatically"
    return Collection(
        issued_at=issued_at,
        charged=charged,
        due_at=None if charged else issued_at + timedelta(days=days),
        tax=bool(policies["automatic_tax"]),
    )
