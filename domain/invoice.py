"""An invoice as the books have it: lines, rounded once each, and their digest."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from domain.period import Period

LINES_PER_INVOICE_MAX = 250
"""Stripe's own limit of items on an invoice."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Charge:
    """One step of a line's arithmetic: so many units at so much, or a flat amount.

    quantity: units priced by this step. unit_amount: minor units for one.
    amount: what the step comes to, exact, in minor units.
    """

    what: str
    quantity: Fraction
    unit_amount: Fraction
    amount: Fraction


def exact_sum(charges: Sequence[Charge]) -> Fraction:
    """What some steps come to together."""
    if len(charges) == 1:  # nearly always
        return charges[0].amount
    return sum((charge.amount for charge in charges), Fraction(0))


@dataclass(frozen=True, kw_only=True, slots=True)
class Sold:
    """What a line sells, for whoever computes its tax.

    product: our id of the catalogue's item. tax_code: Stripe's, ``None`` for the account's own.
    """

    product: str
    name: str
    currency: str
    tax_code: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LineItem:
    """One line of an invoice.

    key: says what the line is for and never changes; lines are matched by it, never by place.
    amount: whole minor units, rounded once. unrounded: the exact amount before that.
    proration: the share of a full period as (numerator, denominator), in microseconds or days.
    corrects: another cycle's line that this one is about, as ``cycle/key``.
    sold: known where tax is computed for the invoice.
    """

    key: str
    kind: str
    description: str
    quantity: Fraction
    unit: str | None
    amount: int
    unrounded: Fraction
    period: Period
    price: str | None = None
    attachment: str | None = None
    proration: tuple[int, int] | None = None
    charges: tuple[Charge, ...] = ()
    corrects: str | None = None
    sold: Sold | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Invoice:
    """What a cycle comes to. ``lines`` are ordered by key."""

    cycle: str
    organization: str
    currency: str
    period: Period
    revision: int
    lines: tuple[LineItem, ...]

    @property
    def subtotal(self) -> int:
        """The sum of the rounded lines, in minor units."""
        return sum(line.amount for line in self.lines)

    def digest(self) -> str:
        """The fingerprint of everything about this invoice that Stripe can give back."""
        return digest(
            self.cycle,
            self.revision,
            self.currency,
            ((line.key, line.amount, line.period, line.description) for line in self.lines),
        )


def digest(
    cycle: str,
    revision: int,
    currency: str,
    lines: Iterable[tuple[str, int, Period, str]],
) -> str:
    """A SHA-256 over cycle, revision, currency and, by key, (key, amount, period, description).

    The same function serves both sides: our lines, and the lines read back from Stripe.
    Periods count in whole seconds since 1970.
    """
    rows = sorted(
        [key, amount, int(span.start.timestamp()), int(span.end.timestamp()), text]
        for key, amount, span, text in lines
    )
    canonical = json.dumps(
        [cycle, revision, currency, rows], ensure_ascii=False, separators=(",", ":")
    )
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()
