"""Allowance: the first records, or the first value, that cost nothing."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction


@dataclass(kw_only=True, slots=True)
class Allowance:
    """What is left to include, taken up record by record in the order of time.

    ``None``: no such limit. Where both are set, records are included while both hold.
    """

    records: int | None
    amount: Fraction | None

    def charged(self, value: Fraction) -> Fraction | None:
        """The part of a record's value beyond the allowance, ``None`` where all is included.

        A record that uses up the amount is charged for what is above it, and ends the allowance.

        >>> allowance = Allowance(records=3, amount=Fraction(250))
        >>> [str(allowance.charged(Fraction(value))) for value in (50, 100, 250, 400)]
        ['None', 'None', '150', '400']
        """
        if self.records is None and self.amount is None:
            return value
        if self.records is not None:
            if not self.records:
                return value
            self.records -= 1
        if self.amount is None:
            return None
        included = min(value, self.amount)
        self.amount -= included
        if included == value:
            return None
        self.records, self.amount = 0, Fraction(0)
        return value - included

    def beyond(self, values: Iterable[Fraction]) -> Iterator[Fraction]:
        """The value charged of each record that is not included, in the order of time.

        A record below zero costs nothing and takes up nothing.
        """
        for value in values:
            charged = self.charged(value) if value >= 0 else None
            if charged is not None:
                yield charged
