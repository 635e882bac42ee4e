"""Percentage: a share of the value, with terms for single records."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import ClassVar, Self

from domain.invoice import Charge
from domain.pricing.allowance import Allowance
from domain.pricing.fields import Fields
from domain.pricing.tier import PERCENT

ZERO = Fraction(0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Percentage:
    """``percent`` of the value, which is in minor units like every amount of a price.

    fixed_amount: for each record. included_records, included_amount: the first so many records,
    or so much value, of a full period cost nothing; 0 says nothing. min_per_record,
    max_per_record: bounds of what one record costs, the fixed amount with it.
    """

    name: ClassVar[str] = "percentage"

    percent: Fraction
    fixed_amount: Fraction = ZERO
    included_records: int = 0
    included_amount: Fraction = ZERO
    min_per_record: Fraction | None = None
    max_per_record: Fraction | None = None

    @property
    def per_record(self) -> bool:
        """Whether single records matter, not only their sum."""
        terms = (self.fixed_amount, self.included_records, self.included_amount)
        return any(terms) or bool(self.min_per_record) or self.max_per_record is not None

    @property
    def linear(self) -> bool:
        """Whether pricing parts one by one comes to the same as pricing the whole."""
        return not self.per_record

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Read ``rate`` (percent) and the terms for single records."""
        model = cls(
            percent=fields.exact("rate"),
            fixed_amount=fields.exact("fixed_amount", "0"),
            included_records=fields.count("included_records"),
            included_amount=fields.exact("included_amount", "0"),
            min_per_record=fields.limit("min_per_record"),
            max_per_record=fields.limit("max_per_record"),
        )
        fields.ordered("min_per_record", "max_per_record")
        return model

    def rate(self, quantity: Fraction, share: Fraction) -> tuple[Charge, ...]:
        """The percent of a whole value, where single records do not matter.

        >>> [str(charge.amount) for charge in Percentage(percent=Fraction("2.9")).rate(
        ...     Fraction(10000), Fraction(1))]
        ['290']
        """
        return (self._percent_of(quantity),) if quantity else ()

    def rate_each(self, values: Sequence[Fraction], share: Fraction) -> tuple[Charge, ...]:
        """Price single records, in the order of time; the allowance is for ``share`` of a period.

        >>> model = Percentage(percent=Fraction(2), fixed_amount=Fraction(30), included_records=1,
        ...                    max_per_record=Fraction(500))
        >>> [(charge.what, int(charge.amount)) for charge in model.rate_each(
        ...     [Fraction(value) for value in (700, 1000, 90000)], Fraction(1))]
        [('percent', 20), ('per record', 30), ('records at the maximum', 500)]
        """
        value, within, lowest, highest = ZERO, 0, 0, 0
        for charged in self._allowance(share).beyond(values):
            amount = charged * self.percent * PERCENT + self.fixed_amount
            if self.min_per_record is not None and amount < self.min_per_record:
                lowest += 1
            elif self.max_per_record is not None and amount > self.max_per_record:
                highest += 1
            else:
                value += charged
                within += 1
        counted = (
            self._percent_of(value),
            _times("per record", within, self.fixed_amount),
            _times("records at the minimum", lowest, self.min_per_record),
            _times("records at the maximum", highest, self.max_per_record),
        )
        return tuple(each for each in counted if each.quantity and each.unit_amount)

    def _allowance(self, share: Fraction) -> Allowance:
        return Allowance(
            records=ceil(self.included_records * share) if self.included_records else None,
            amount=self.included_amount * share if self.included_amount else None,
        )

    def _percent_of(self, value: Fraction) -> Charge:
        each = self.percent * PERCENT
        return Charge(what="percent", quantity=value, unit_amount=each, amount=value * each)


def _times(what: str, count: int, amount: Fraction | None) -> Charge:
    each = amount or ZERO
    return Charge(what=what, quantity=Fraction(count), unit_amount=each, amount=count * each)
