"""Terms for single records: what each costs besides a share of its value, and what is free."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from domain.invoice import Charge
from domain.pricing.allowance import Allowance

ZERO = Fraction(0)


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordTerms:
    """fixed_amount: for each record. included_records, included_amount: the first so many
    records, or so much value, of a full period cost nothing; 0 says nothing. min_per_record,
    max_per_record: bounds of what one record costs, the fixed amount with it.
    """

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

    def charges(
        self, values: Sequence[Fraction], share: Fraction, rate: Fraction
    ) -> tuple[Charge, ...]:
        """What single records come to, in the order of time.

        share: of a full period, for which the allowance counts. rate: of one unit of value.
        """
        value, within, lowest, highest = ZERO, 0, 0, 0
        for charged in self._allowance(share).beyond(values):
            amount = charged * rate + self.fixed_amount
            if self.min_per_record is not None and amount < self.min_per_record:
                lowest += 1
            elif self.max_per_record is not None and amount > self.max_per_record:
                highest += 1
            else:
                value += charged
                within += 1
        counted = (
            percent_of(value, rate),
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


def percent_of(value: Fraction, rate: Fraction) -> Charge:
    """A share of a value."""
    return Charge(what="percent", quantity=value, unit_amount=rate, amount=value * rate)


def _times(what: str, count: int, amount: Fraction | None) -> Charge:
    each = amount or ZERO
    return Charge(what=what, quantity=Fraction(count), unit_amount=each, amount=count * each)
