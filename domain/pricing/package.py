"""Package: so many units together cost one amount."""

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

from domain.invoice import Charge
from domain.pricing.fields import Fields
from domain.pricing.rounding import whole


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """``package_amount`` minor units for each package of ``package_size`` units.

    round: what a package begun counts as: ``up`` (one), ``down`` (none), ``half_up``, or
    ``exact`` (its part).
    """

    name: ClassVar[str] = "package"
    linear: ClassVar[bool] = False
    per_record: ClassVar[bool] = False

    package_size: Fraction
    package_amount: Fraction
    round: str = "up"

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Read ``package_size``, ``package_amount`` and ``round``."""
        return cls(
            package_size=Fraction(fields.decimal("package_size", above_zero=True)),
            package_amount=fields.exact("package_amount"),
            round=fields.choice("round", "up", "down", "half_up", "exact"),
        )

    def rate(self, quantity: Fraction, share: Fraction) -> tuple[Charge, ...]:
        """Packages × amount; a package costs the same in part of a period.

        >>> package = Package(package_size=Fraction(100), package_amount=Fraction(500))
        >>> [str(charge.amount) for charge in package.rate(Fraction(201), Fraction(1))]
        ['1500']
        """
        packages = whole(quantity / self.package_size, self.round)
        if not packages:
            return ()
        amount = packages * self.package_amount
        return (
            Charge(
                what="packages", quantity=packages, unit_amount=self.package_amount, amount=amount
            ),
        )
