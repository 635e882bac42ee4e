"""The story of a cycle: one plain sentence for each event."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.events import catalog, cycle, organization, usage
from domain.events.base import Recorded
from domain.money import shown
from domain.quantity import plain

TALLIES_SHOWN_MAX = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryEntry:
    """One event as people read it. The two instants are the fact's and the log's."""

    version: int
    position: int
    recorded_at: datetime
    occurred_at: datetime
    actor: str
    what: str


def story(history: Iterable[Recorded]) -> Iterator[HistoryEntry]:
    """A stream's events as people read them, in the log's order."""
    currency = ""
    for recorded in history:
        if isinstance(recorded.event, cycle.CycleOpened | organization.OrganizationRegistered):
            currency = recorded.event.currency
        yield HistoryEntry(
            version=recorded.version,
            position=recorded.position,
            recorded_at=recorded.recorded_at,
            occurred_at=recorded.occurred_at,
            actor=recorded.actor,
            what=describe(recorded.event, currency),
        )


def describe(event: object, currency: str = "") -> str:
    """What happened, in one plain sentence.

    currency: of the amounts in the event; without one they are told in minor units.

    Raises:
        TypeError: nobody has written a sentence for it.

    >>> from datetime import UTC
    >>> describe(organization.MemberRemoved(at=datetime(2026, 1, 1, tzinfo=UTC), user="u1"))
    'User u1 left the organization'
    """
    sentence = _SENTENCES.get(type(event))
    if sentence is None:
        raise TypeError(f"no sentence for {type(event).__name__}")
    return sentence(event, currency)


def _money(amount: int, currency: str) -> str:
    if not currency:
        return f"{amount} minor units"
    return f"{shown(amount, currency)} {currency.upper()}"


def _day(instant: datetime) -> str:
    """An instant, to the second only where it is not a full minute."""
    if instant.second or instant.microsecond:
        return f"{instant:%Y-%m-%d %H:%M:%S} UTC"
    return f"{instant:%Y-%m-%d %H:%M} UTC"


def _opened(event: cycle.CycleOpened, currency: str) -> str:
    return (
        f"Billing cycle {event.cycle} opened, from {_day(event.start)} to {_day(event.end)}, "
        f"in {event.currency.upper()}"
    )


def _attached(event: cycle.ServiceAttached, currency: str) -> str:
    times = "" if event.quantity == 1 else f" × {plain(event.quantity)}"
    how = " carried over from the cycle before" if event.carried else " attached"
    prices = f" at {', '.join(event.prices)}" if event.prices else ""
    return f"{event.name} ({event.attachment}){times}{how}{prices}"


def _quantity(event: cycle.AttachmentQuantityChanged, currency: str) -> str:
    why = ", because the cycle before was changed" if event.carried else ""
    return f"{event.attachment} counts for {plain(event.quantity)} from here on{why}"


def _detached(event: cycle.ServiceDetached, currency: str) -> str:
    why = ", because the cycle before was changed" if event.carried else ""
    return f"{event.attachment} detached{why}"


def _item(event: cycle.OneOffItemAdded, currency: str) -> str:
    amount = _money(event.amount, currency)
    return f"One-off item {event.item} of {amount} added: {event.description} ({event.reason})"


def _applied(event: cycle.CreditApplied, currency: str) -> str:
    return f"{_money(event.amount, currency)} of credit {event.credit} used ({event.reason})"


def _settled(event: cycle.FinalizationStarted, currency: str) -> str:
    amount, lines = _money(event.subtotal, currency), len(event.lines)
    return f"Invoice settled at {amount} in {lines} {'line' if lines == 1 else 'lines'}"


def _finalized(event: cycle.InvoiceFinalized, currency: str) -> str:
    name = f"Invoice {event.number}" if event.number else "Invoice"
    tax = f", {_money(event.tax, currency)} of it tax" if event.tax else ""
    due = f", due {_day(event.due_at)}" if event.due_at else ""
    return f"{name} issued over {_money(event.total, currency)}{tax}{due}"


def _granted(event: organization.CreditGranted, currency: str) -> str:
    until = f", until {_day(event.expires_at)}" if event.expires_at else ""
    amount = _money(event.amount, event.currency)
    return f"Credit {event.credit} of {amount} granted{until} ({event.reason})"


def _registered(event: organization.OrganizationRegistered, currency: str) -> str:
    return (
        f"Organization {event.organization} registered: billed in {event.currency.upper()} "
        f"from day {event.anchor_day} of the month, {event.time_zone} time"
    )


def _policies(event: organization.PolicyChanged, currency: str) -> str:
    changes = (f"{name} is now {value}" for name, value in sorted(event.policies.items()))
    return f"Policies changed: {', '.join(changes)}"


def _meter(event: catalog.MeterDefined, currency: str) -> str:
    apart = f", kept apart by {', '.join(event.dimensions)}" if event.dimensions else ""
    return (
        f"Meter {event.meter} version {event.version} defined: "
        f"{event.aggregation} in {event.unit}{apart}"
    )


def _service(event: catalog.ServiceDefined, currency: str) -> str:
    prices = ", ".join(event.prices) or "no price"
    return f"Service {event.service} ({event.name}) defined with {prices}"


def _used(event: usage.UsageRecorded, currency: str) -> str:
    count = len(event.records)
    parts = [_tally(tally) for tally in event.tallies[:TALLIES_SHOWN_MAX]]
    if more := len(event.tallies) - len(parts):
        parts.append(f"and {more} more")
    noun = "usage record" if count == 1 else "usage records"
    return f"{count} {noun}: {'; '.join(parts)}"


def _tally(tally: usage.HeaderTally) -> str:
    named = [tally.attachment] if tally.attachment else []
    named += [f"{name} {value}" for name, value in sorted(tally.dimensions.items()) if value]
    where = f" ({', '.join(named)})" if named else ""
    return f"{tally.quantity} {tally.meter}{where}"


Sentence = Callable[[Any, str], str]

_SENTENCES: dict[type, Sentence] = {
    cycle.CycleOpened: _opened,
    cycle.ServiceAttached: _attached,
    cycle.AttachmentQuantityChanged: _quantity,
    cycle.ServiceDetached: _detached,
    cycle.OneOffItemAdded: _item,
    cycle.CreditApplied: _applied,
    cycle.CycleClosing: lambda event, _: "The period is over; late usage is still taken",
    cycle.CycleClosed: lambda event, _: "Usage cut off",
    cycle.FinalizationStarted: _settled,
    cycle.InvoiceFinalized: _finalized,
    cycle.InvoicePaid: lambda event, currency: f"{_money(event.amount, currency)} paid",
    cycle.InvoiceVoided: lambda event, _: f"Invoice voided ({event.reason})",
    cycle.InvoiceMarkedUncollectible: lambda event, _: "Invoice given up as uncollectible",
    cycle.CycleHeld: lambda event, _: f"Held by {_holder(event.kind)}: {event.reason}",
    cycle.CycleReleased: lambda event, _: f"Released: {event.reason}",
    usage.UsageRecorded: _used,
    organization.OrganizationRegistered: _registered,
    organization.AnchorMoved: lambda event, _: (
        f"Billed from day {event.anchor_day} of the month, {event.time_zone} time, "
        "once the open cycle ends"
    ),
    organization.MemberAdded: lambda event, _: f"User {event.user} is {event.role}",
    organization.MemberRemoved: lambda event, _: f"User {event.user} left the organization",
    organization.PolicyChanged: _policies,
    organization.CreditGranted: _granted,
    organization.StripeCustomerLinked: lambda event, _: f"Stripe customer {event.customer} linked",
    catalog.MeterDefined: _meter,
    catalog.ServiceDefined: _service,
    catalog.PricePublished: lambda event, _: f"Price {event.price}@{event.version} published",
}


def _holder(kind: str) -> str:
    return "a person" if kind == "person" else f"its {kind}"
