"""Volume: the tier the whole quantity falls in prices all of it."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar, Self

from domain.invoice import Charge
from domain.pricing.fields import Fields
from domain.pricing.tier import Tier, parse_tiers, reached, scaled_tiers, tier_charges


@dataclass(frozen=True, kw_only=True, slots=True)
class Volume:
    """Every unit at the rate of the tier reached, plus that tier's flat amount.

    flat_at_zero: whether the first tier's flat amount is owed without any usage.
    """

    name: ClassVar[str] = "volume"
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
        """Price all units alike. More can cost less: the tier above may be cheaper.

        Source: Stripe's ``tiers_mode=volume``; ``up_to`` means "up to and including".

        >>> tiers = (Tier(up_to=Fraction(10), unit_amount=Fraction(5), flat_amount=Fraction(0)),
        ...          Tier(up_to=None, unit_amount=Fraction(3), flat_amount=Fraction(0)))
        >>> [int(Volume(tiers=tiers).rate(Fraction(units), Fraction(1))[0].amount)
        ...  for units in (10, 11)]
        [50, 33]
        """
        if not quantity and not (self.flat_at_zero and share):
            return ()
        number, tier = reached(self.tiers, quantity)
        return tuple(tier_charges(number, tier, quantity, share))
