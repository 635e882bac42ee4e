"""Tiers: bounds and rates shared by the tiered models."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeVar

from domain.errors import InvalidInput
from domain.invoice import Charge
from domain.pricing.fields import Fields

TIERS_MAX = 100
PERCENT = Fraction(1, 100)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tier:
    """Up to and including ``up_to`` units (``None``: without end), in minor units."""

    up_to: Fraction | None
    unit_amount: Fraction
    flat_amount: Fraction

    @classmethod
    def parse(cls, row: Fields, up_to: Fraction | None) -> "Tier":
        """Read ``unit_amount`` and ``flat_amount``, 0 where absent."""
        return cls(
            up_to=up_to,
            unit_amount=row.exact("unit_amount", "0"),
            flat_amount=row.exact("flat_amount", "0"),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PercentTier:
    """Up to and including a value of ``up_to`` minor units, at ``percent`` of it."""

    up_to: Fraction | None
    percent: Fraction
    flat_amount: Fraction

    @property
    def unit_amount(self) -> Fraction:
        """What one minor unit of value costs."""
        return self.percent * PERCENT

    @classmethod
    def parse(cls, row: Fields, up_to: Fraction | None) -> "PercentTier":
        """Read ``rate``, and ``flat_amount``, 0 where absent."""
        return cls(
            up_to=up_to, percent=row.exact("rate"), flat_amount=row.exact("flat_amount", "0")
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """Up to and including ``up_to`` units, for one flat amount in minor units."""

    up_to: Fraction | None
    flat_amount: Fraction

    @classmethod
    def parse(cls, row: Fields, up_to: Fraction | None) -> "Step":
        """Read ``flat_amount``."""
        return cls(up_to=up_to, flat_amount=row.exact("flat_amount"))


AnyTier = TypeVar("AnyTier", Tier, PercentTier, Step)
Rate = TypeVar("Rate", Tier, PercentTier)


def parse_tiers(
    fields: Fields, read: Callable[[Fields, Fraction | None], AnyTier]
) -> tuple[AnyTier, ...]:
    """Read ``tiers``: bounds strictly ascending, the last one open.

    Raises:
        InvalidInput: a gap, a bound out of order, or no open last tier.
    """
    rows = fields.objects("tiers")
    if len(rows) > TIERS_MAX:
        raise InvalidInput(
            f"{fields.name('tiers')} must have at most {TIERS_MAX} tiers",
            field=fields.name("tiers"),
        )
    tiers: list[AnyTier] = []
    floor = Fraction(0)
    for number, row in enumerate(rows, start=1):
        up_to = _bound(row, floor, last=number == len(rows))
        tiers.append(read(row, up_to))
        row.done()
        floor = up_to or floor
    return tuple(tiers)


def _bound(row: Fields, floor: Fraction, *, last: bool) -> Fraction | None:
    field = row.name("up_to")
    open_ended = row.get("up_to") is None
    if open_ended != last:
        raise InvalidInput(
            f"{field} must be null in the last tier and a number in all others", field=field
        )
    if open_ended:
        return None
    up_to = row.exact("up_to")
    if up_to <= floor:
        raise InvalidInput(f"{field} must be above the bound of the tier before it", field=field)
    return up_to


def scaled_tiers(tiers: Sequence[AnyTier], share: Fraction) -> tuple[AnyTier, ...]:
    """The same tiers with bounds for a share of a full period."""
    return tuple(
        tier if tier.up_to is None else replace(tier, up_to=tier.up_to * share) for tier in tiers
    )


def reached(tiers: Sequence[AnyTier], quantity: Fraction) -> tuple[int, AnyTier]:
    """The tier a whole quantity falls in, and its number from 1; bounds are inclusive."""
    for number, tier in enumerate(tiers, start=1):
        if tier.up_to is None or quantity <= tier.up_to:
            return number, tier
    raise ValueError("the last tier has an end")


def spread(
    tiers: Sequence[Rate],
    quantity: Fraction,
    share: Fraction,
    *,
    flat_at_zero: bool,
) -> tuple[Charge, ...]:
    """Each tier's own part of a quantity, and the flat amount of every tier entered."""
    charges: list[Charge] = []
    floor = Fraction(0)
    for number, tier in enumerate(tiers, start=1):
        entered = quantity > floor or (number == 1 and flat_at_zero and share > 0)
        if not entered:
            break
        ceiling = quantity if tier.up_to is None else min(quantity, tier.up_to)
        charges += tier_charges(number, tier, ceiling - floor, share)
        floor = ceiling
    return tuple(charges)


def tier_charges(
    number: int, tier: Tier | PercentTier, units: Fraction, share: Fraction
) -> list[Charge]:
    """One tier's units and flat amount, where there are any."""
    charges = []
    if units:
        charges.append(
            Charge(
                what=f"tier {number}",
                quantity=units,
                unit_amount=tier.unit_amount,
                amount=units * tier.unit_amount,
            )
        )
    if tier.flat_amount:
        charges.append(flat_charge(f"tier {number} flat", tier.flat_amount, share))
    return charges


def flat_charge(what: str, amount: Fraction, share: Fraction) -> Charge:
    """An amount for a full period, for its share of one."""
    return Charge(what=what, quantity=Fraction(1), unit_amount=amount, amount=amount * share)
