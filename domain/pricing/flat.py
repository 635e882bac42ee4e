"""Flat: a fixed amount, once per full period."""

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

from domain.invoice import Charge
from domain.pricing.fields import Fields


@dataclass(frozen=True, kw_only=True, slots=True)
class Flat:
    """``amount`` minor units for a full period, prorated; the quantity does not matter."""

    name: ClassVar[str] = "flat"
    linear: ClassVar[bool] = False
    per_record: ClassVar[bool] = False

    amount: Fraction

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Read ``amount``."""
        return cls(amount=fields.exact("amount"))

    def rate(self, quantity: Fraction, share: Fraction) -> tuple[Charge, ...]:
        """The amount for ``share`` of a full period.

        >>> [str(charge.amount) for charge in Flat(amount=Fraction(3100)).rate(Fraction(0),
        ...                                                                    Fraction(21, 31))]
        ['2100']
        """
        if not share:
            return ()
        amount = self.amount * share
        return (Charge(what="flat", quantity=Fraction(1), unit_amount=self.amount, amount=amount),)
