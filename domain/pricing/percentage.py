"""Percentage: a share of the value, with terms for single records."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

from domain.invoice import Charge
from domain.pricing.fields import Fields
from domain.pricing.records import RecordTerms, percent_of
from domain.pricing.tier import PERCENT


@dataclass(frozen=True, kw_only=True, slots=True)
class Percentage(RecordTerms):
    """``percent`` of the value, which is in minor units like every amount of a price."""

    name: ClassVar[str] = "percentage"

    percent: Fraction

    @property
    def linear(self) -> bool:
        """Whether pricing parts one by one comes to the same as pricing the whole."""
        return not self.per_record

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Read ``rate`` (percent) and the terms for single records."""
        fields.ordered("min_per_record", "max_per_record")
        return cls(
            percent=fields.exact("rate"),
            fixed_amount=fields.exact("fixed_amount", "0"),
            included_records=fields.count("included_records"),
            included_amount=fields.exact("included_amount", "0"),
            min_per_record=fields.limit("min_per_record"),
            max_per_record=fields.limit("max_per_record"),
        )

    def rate(self, quantity: Fraction, share: Fraction) -> tuple[Charge, ...]:
        """The percent of a whole value, where single records do not matter.

        >>> [str(charge.amount) for charge in Percentage(percent=Fraction("2.9")).rate(
        ...     Fraction(10000), Fraction(1))]
        ['290']
        """
        return (percent_of(quantity, self._rate),) if quantity else ()

    def rate_each(self, values: Sequence[Fraction], share: Fraction) -> tuple[Charge, ...]:
        """Price single records, in the order of time; the allowance is for ``share`` of a period.

        >>> model = Percentage(percent=Fraction(2), fixed_amount=Fraction(30), included_records=1,
        ...                    max_per_record=Fraction(500))
        >>> [(charge.what, int(charge.amount)) for charge in model.rate_each(
        ...     [Fraction(value) for value in (700, 1000, 90000)], Fraction(1))]
        [('percent', 20), ('per record', 30), ('records at the maximum', 500)]
        """
        return self.charges(values, share, self._rate)

    @property
    def _rate(self) -> Fraction:
        """What one minor unit of value costs."""
        return self.percent * PERCENT
