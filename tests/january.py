"""January 2026 of acme: a small cast of events, meters and prices that most tests begin with."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from domain.catalog import Meter
from domain.events.amounts import OneOffItemAdded
from domain.events.cycle import (
    AttachmentQuantityChanged,
    CycleClosed,
    CycleClosing,
    CycleOpened,
    FinalizationStarted,
    ServiceAttached,
    ServiceDetached,
)
from domain.events.outcome import InvoiceFinalized
from domain.price import Price, parse_price

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)


def day(number: int, hour: int = 0) -> datetime:
    """An instant of January; day 32 is the first of February."""
    return JANUARY + timedelta(days=number - 1, hours=hour)


def opened(start: datetime = JANUARY, end: datetime = FEBRUARY, **changes: Any) -> CycleOpened:
    fields: dict[str, Any] = {
        "at": start,
        "cycle": f"acme.{start:%Y-%m-%d}",
        "organization": "acme",
        "currency": "usd",
        "start": start,
        "end": end,
        "full_start": start,
        "full_end": end,
        "time_zone": "UTC",
    }
    return CycleOpened(**(fields | changes))


OPENED = opened()
NEXT = opened(FEBRUARY, MARCH)


def price(identity: str, version: int = 1, **terms: Any) -> Price:
    """A price version. Terms as in its JSON."""
    kind = "metered" if "meter" in terms else "recurring"
    return parse_price(
        {"price": identity, "currency": "usd", "kind": kind} | terms, version=version
    )


BASE = price("base", model="flat", amount="3100")
SEAT = price("seat", model="per_unit", unit_amount="3100")
CPU = price("cpu", meter="cpu", model="per_unit", unit_amount="2.5")
SHARED = price("shared", meter="cpu", model="per_unit", unit_amount="1", scope="organization")
BOOK = {each.ref: each for each in (BASE, SEAT, CPU, SHARED)}


def meter(identity: str, aggregation: str = "sum", dimensions: tuple[str, ...] = ()) -> Meter:
    return Meter(
        id=identity,
        version=1,
        aggregation=aggregation,
        unit="hour",
        dimensions=dimensions,
        recorded_at=JANUARY,
    )


def attached(
    attachment: str = "a1", at: datetime = JANUARY, *prices: Price, **changes: Any
) -> ServiceAttached:
    fields: dict[str, Any] = {
        "at": at,
        "attachment": attachment,
        "service": "machine",
        "name": "Machine",
        "quantity": Decimal(1),
        "prices": tuple(each.ref for each in prices or (BASE,)),
    }
    return ServiceAttached(**(fields | changes))


def detached(attachment: str, at: datetime, *, carried: bool = False) -> ServiceDetached:
    return ServiceDetached(at=at, attachment=attachment, carried=carried)


def quantity(
    attachment: str, count: int, at: datetime, *, carried: bool = False
) -> AttachmentQuantityChanged:
    return AttachmentQuantityChanged(
        at=at, attachment=attachment, quantity=Decimal(count), carried=carried
    )


def item(identity: str = "i1", amount: int = 500, at: datetime = JANUARY) -> OneOffItemAdded:
    return OneOffItemAdded(
        at=at, item=identity, description="Set-up", amount=amount, reason="agreed by phone"
    )


CLOSING = CycleClosing(at=FEBRUARY)
CLOSED = CycleClosed(at=FEBRUARY + timedelta(hours=12), version=2)
SETTLED = FinalizationStarted(
    at=CLOSED.at, version=3, digest="sha256:0", subtotal=0, lines={}, basis={}
)
ISSUED = InvoiceFinalized(at=CLOSED.at, total=0)
