"""Graduated percentage: each tier takes its percent of its own part of the value."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar, Self

from domain.invoice import Charge
from domain.pricing.fields import Fields
from domain.pricing.tier import PercentTier, parse_tiers, scaled_tiers, spread


@dataclass(frozen=True, kw_only=True, slots=True)
class GraduatedPercentage:
    """Each tier's part of the value at its rate, plus the flat amount of every tier entered.

    The quantity is a value in minor units, and so are the bounds.
    flat_at_zero: whether the first tier's flat amount is owed without any usage.
    """

    name: ClassVar[str] = "graduated_percentage"
    linear: ClassVar[bool] = False
    per_record: ClassVar[bool] = False

    tiers: tuple[PercentTier, ...]
    flat_at_zero: bool = True

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Read ``tiers`` of ``rate`` and ``flat_amount``, and ``flat_at_zero``."""
        return cls(
            tiers=parse_tiers(fields, PercentTier.parse),
            flat_at_zero=fields.flag("flat_at_zero", default=True),
        )

    def scaled(self, share: Fraction) -> Self:
        """The same with tier bounds for a share of a full period."""
        return replace(self, tiers=scaled_tiers(self.tiers, share))

    def rate(self, quantity: Fraction, share: Fraction) -> tuple[Charge, ...]:
        """Split a value over the tiers; flat amounts count for ``share`` of a full period.

        >>> first = PercentTier(up_to=Fraction(1000), percent=Fraction(2), flat_amount=Fraction(0))
        >>> rest = PercentTier(up_to=None, percent=Fraction(1), flat_amount=Fraction(30))
        >>> [str(charge.amount) for charge in GraduatedPercentage(tiers=(first, rest)).rate(
        ...     Fraction(5000), Fraction(1))]
        ['20', '40', '30']
        """
        return spread(self.tiers, quantity, share, flat_at_zero=self.flat_at_zero)
