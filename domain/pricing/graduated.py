"""Graduated: each tier prices its own part of the quantity."""

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

from domain.invoice import Charge
from domain.pricing.fields import Fields
from domain.pricing.tier import Tier, parse_tiers


@dataclass(frozen=True, kw_only=True, slots=True)
class Graduated:
    """Each tier's units at that tier's rate, plus the flat amount of every tier entered.

    flat_at_zero: whether the first tier's flat amount is owed without any usage.
    """

    name: ClassVar[str] = "graduated"
    linear: ClassVar[bool] = False

    tiers: tuple[Tier, ...]
    flat_at_zero: bool = True

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Read ``tiers`` and ``flat_at_zero``."""
        return cls(
            tiers=parse_tiers(fields), flat_at_zero=fields.flag("flat_at_zero", default=True)
        )

    def rate(self, quantity: Fraction, share: Fraction) -> tuple[Charge, ...]:
        """Split a quantity over the tiers; flat amounts count for ``share`` of a full period.

        Source: Stripe's ``tiers_mode=graduated``; ``up_to`` means "up to and including".

        >>> tiers = (Tier(up_to=Fraction(10), unit_amount=Fraction(5), flat_amount=Fraction(0)),
        ...          Tier(up_to=None, unit_amount=Fraction(3), flat_amount=Fraction(100)))
        >>> [str(charge.amount) for charge in Graduated(tiers=tiers).rate(Fraction(12),
        ...                                                               Fraction(1))]
        ['50', '6', '100']
        """
        charges: list[Charge] = []
        floor = Fraction(0)
        for number, tier in enumerate(self.tiers, start=1):
            entered = quantity > floor or (number == 1 and self.flat_at_zero and share > 0)
            if not entered:
                break
            ceiling = quantity if tier.up_to is None else min(quantity, tier.up_to)
            charges += _charges(number, tier, ceiling - floor, share)
            floor = ceiling
        return tuple(charges)


def _charges(number: int, tier: Tier, units: Fraction, share: Fraction) -> list[Charge]:
    """One tier's units and flat amount, where there are any."""
    rates = [
        (f"tier {number}", units, tier.unit_amount, units * tier.unit_amount),
        (f"tier {number} flat", Fraction(1), tier.flat_amount, tier.flat_amount * share),
    ]
    return [
        Charge(what=what, quantity=count, unit_amount=unit, amount=amount)
        for what, count, unit, amount in rates
        if count and (unit or what == f"tier {number}")
    ]
