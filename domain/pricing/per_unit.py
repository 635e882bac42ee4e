"""Per unit: every unit costs the same."""

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

from domain.invoice import Charge
from domain.pricing.fields import Fields


@dataclass(frozen=True, kw_only=True, slots=True)
class PerUnit:
    """``unit_amount`` minor units for each unit, fractions included."""

    name: ClassVar[str] = "per_unit"
    linear: ClassVar[bool] = True
    per_record: ClassVar[bool] = False

    unit_amount: Fraction

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Read ``unit_amount``."""
        return cls(unit_amount=fields.exact("unit_amount"))

    def rate(self, quantity: Fraction, share: Fraction) -> tuple[Charge, ...]:
        """Quantity × unit; nothing here is flat, so ``share`` changes nothing.

        >>> [str(charge.amount) for charge in PerUnit(unit_amount=Fraction("2.5")).rate(
        ...     Fraction("12.5"), Fraction(1))]
        ['125/4']
        """
        if not quantity:
            return ()
        amount = quantity * self.unit_amount
        return (
            Charge(what="units", quantity=quantity, unit_amount=self.unit_amount, amount=amount),
        )
