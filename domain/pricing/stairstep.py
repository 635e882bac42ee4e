"""Stairstep: one flat amount for everything up to the bound reached."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar, Self

from domain.invoice import Charge
from domain.pricing.fields import Fields
from domain.pricing.tier import Step, flat_charge, parse_tiers, reached, scaled_tiers


@dataclass(frozen=True, kw_only=True, slots=True)
class Stairstep:
    """The flat amount of the tier reached, prorated; units cost nothing themselves.

    flat_at_zero: whether the first tier's flat amount is owed without any usage.
    """

    name: ClassVar[str] = "stairstep"
    linear: ClassVar[bool] = False
    per_record: ClassVar[bool] = False

    tiers: tuple[Step, ...]
    flat_at_zero: bool = True

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Read ``tiers`` of ``flat_amount``, and ``flat_at_zero``."""
        return cls(
            tiers=parse_tiers(fields, Step.parse),
            flat_at_zero=fields.flag("flat_at_zero", default=True),
        )

    def scaled(self, share: Fraction) -> Self:
        """The same with tier bounds for a share of a full period."""
        return replace(self, tiers=scaled_tiers(self.tiers, share))

    def rate(self, quantity: Fraction, share: Fraction) -> tuple[Charge, ...]:
        """The flat amount of the tier a quantity falls in, for ``share`` of a full period.

        >>> steps = (Step(up_to=Fraction(1000), flat_amount=Fraction(50)),
        ...          Step(up_to=None, flat_amount=Fraction(200)))
        >>> [int(Stairstep(tiers=steps).rate(Fraction(units), Fraction(1))[0].amount)
        ...  for units in (0, 1000, 1001)]
        [50, 50, 200]
        """
        if not share or not (quantity or self.flat_at_zero):
            return ()
        number, step = reached(self.tiers, quantity)
        if not step.flat_amount:
            return ()
        return (flat_charge(f"step {number}", step.flat_amount, share),)
