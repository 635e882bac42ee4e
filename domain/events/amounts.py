"""Events of a billing cycle about amounts: items, credits, discounts, and what people decide."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from domain.events.cycle import CycleEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class OneOffItemAdded(CycleEvent):
    """A person added an amount by hand. Minor units, above zero."""

    item: str
    description: str
    amount: int
    reason: str
    tax_code: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CreditApplied(CycleEvent):
    """Part of the credit balance was used up by this invoice. Minor units, above zero."""

    credit: str
    amount: int
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscountGranted(CycleEvent):
    """Something comes off this invoice and coming ones.

    percent: of what the lines come to; or amount: minor units off each invoice, at most what
    the lines come to. prices: ids of the prices it is for; none for all. cycles: how many
    invoices, this one included; ``None`` until it is ended. carried: it came over from the
    cycle before.
    """

    discount: str
    reason: str
    percent: Decimal | None = None
    amount: int | None = None
    prices: tuple[str, ...] = ()
    cycles: int | None = None
    carried: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscountEnded(CycleEvent):
    """A discount counts no more, from this invoice on."""

    discount: str
    reason: str
    carried: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class LineWaived(CycleEvent):
    """What a line had come to is not asked for; what it comes to later is. Minor units."""

    line: str
    amount: int
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AmountOverridden(CycleEvent):
    """A person set what a line had come to.

    difference: minor units between that and what was set; ``None`` where ``amount`` is final,
    whatever else becomes known.
    """

    line: str
    amount: int
    difference: int | None
    reason: str


class StrangeLine(NamedTuple):
    """A line that somebody else put on the draft. line: Stripe's id. Signed minor units."""

    line: str
    amount: int
    description: str
    start: datetime
    end: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class EditsAdopted(CycleEvent):
    """What others did to the draft at Stripe was taken over into the books.

    adoption: Stripe's id of the draft, a slash, and what names it there: said again, it takes
    the place of what was said before. amounts: signed minor units by the line of ours that was
    changed, or taken off. lines: every line of others that is on the draft now.
    """

    adoption: str
    reason: str
    amounts: dict[str, int]
    lines: tuple[StrangeLine, ...] = ()

    @property
    def invoice(self) -> str:
        """Stripe's id of the draft."""
        return self.adoption.partition("/")[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class DraftAdopted(CycleEvent):
    """The draft that a Stripe subscription made at its renewal became this cycle's invoice.

    invoice, subscription: Stripe's ids. lines: the subscription's own, which stay as they are.
    """

    invoice: str
    subscription: str
    lines: tuple[StrangeLine, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class DraftMissed(CycleEvent):
    """A subscription's draft was finalized before it became ours: all goes on the next cycle.

    invoice: Stripe's id of it.
    """

    invoice: str
    reason: str


class Ahead(NamedTuple):
    """A fee billed ahead. amount: minor units for ``start`` to ``end``, after discounts.

    line: the key it has on the invoice of the cycle before.
    """

    attachment: str
    price: str
    quantity: Decimal
    amount: int
    start: datetime
    end: datetime
    line: str


class Level(NamedTuple):
    """The last value of a time-weighted meter that holds on into the next cycle."""

    meter: str
    attachment: str
    dimensions: dict[str, str]
    value: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class HandedOver(CycleEvent):
    """What the cycle before left to this one when it was settled.

    amount: minor units, positive where the customer owes them. ahead: fees of this period
    that were billed there. levels: values that hold on.
    """

    cycle: str
    amount: int
    ahead: tuple[Ahead, ...] = ()
    levels: tuple[Level, ...] = ()
