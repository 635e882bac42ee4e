"""Graduated: each tier prices its own part of the quantity."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar, Self

from domain.invoice import Charge
from domain.pricing.fields import Fields
from domain.pricing.tier import Tier, parse_tiers, scaled_tiers, spread


@dataclass(frozen=True, kw_only=True, slots=True)
class Graduated:
    """Each tier's units at that tier's rate, plus the flat amount of every tier entered.

    flat_at_zero: whether the first tier's flat amount is owed without any usage.
    """

    name: ClassVar[str] = "graduated"
    linear: ClassVar[bool] = False
    per_record: ClassVar[bool] = False

    tiers: tuple[Tier, ...]
    flat_at_zero: bool = True

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Read ``tiers`` and ``flat_at_zero``."""
        return cls(
            tiers=parse_tiers(fields, Tier.parse),
            flat_at_zero=fields.flag("flat_at_zero", default=True),
        )

    def scaled(self, share: Fraction) -> Self:
        """The same with tier bounds for a share of a full period."""
        return replace(self, tiers=scaled_tiers(self.tiers, share))

    def rate(self, quantity: Fraction, share: Fraction) -> tuple[Charge, ...]:
        """Split a quantity over the tiers; flat amounts count for ``share`` of a full period.

        Source: Stripe's ``tiers_mode=graduated``; ``up_to`` means "up to and including".

        >>> tiers = (Tier(up_to=Fraction(10), unit_amount=Fraction(5), flat_amount=Fraction(0)),
        ...          Tier(up_to=None, unit_amount=Fraction(3), flat_amount=Fraction(100)))
        >>> [str(charge.amount) for charge in Graduated(tiers=tiers).rate(Fraction(12),
        ...                                                               Fraction(1))]
        ['50', '6', '100']
        """
        return spread(self.tiers, quantity, share, flat_at_zero=self.flat_at_zero)
