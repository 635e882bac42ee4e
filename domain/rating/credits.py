"""Credits on an invoice: they take something off, and never more than is owed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from domain.billing_cycle import BillingCycle
from domain.invoice import LineItem
from domain.line_key import line_key
from domain.text import shortened


@dataclass(frozen=True, kw_only=True, slots=True)
class Credit:
    """What is left of a granted credit, in minor units of the organization's currency."""

    id: str
    remaining: int
    reason: str
    granted_at: datetime
    expires_at: datetime | None = None


def credit_lines(credits: Sequence[Credit], owed: int, cycle: BillingCycle) -> Iterator[LineItem]:
    """Use up credits in order until nothing is owed.

    A credit counts for a cycle that begins before it expires.
    """
    for credit in credits:
        if credit.expires_at is not None and credit.expires_at <= cycle.period.start:
            continue
        used = min(credit.remaining, owed)
        if used > 0:
            owed -= used
            yield _line(cycle, credit.id, used, credit.reason)


def settled_credit_lines(cycle: BillingCycle) -> Iterator[LineItem]:
    """The credits a settled invoice has used."""
    for applied in cycle.credits.values():
        yield _line(cycle, applied.credit, applied.amount, applied.reason)


def _line(cycle: BillingCycle, credit: str, used: int, reason: str) -> LineItem:
    return LineItem(
        key=line_key("credit", credit),
        kind="credit",
        description=shortened(f"Credit {credit}: {reason}"),
        quantity=Fraction(1),
        unit=None,
        amount=-used,
        unrounded=Fraction(-used),
        period=cycle.period.whole_seconds(),
    )
