"""Credits on an invoice: they take something off, and never more than is owed."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from domain.billing_cycle import BillingCycle
from domain.invoice import LineItem
from domain.line_key import line_key
from domain.rating.surroundings import Credit
from domain.text import shortened


def credit_lines(cycle: BillingCycle, credits: Sequence[Credit], owed: int) -> Iterator[LineItem]:
    """Use up credits in order until nothing is owed; a settled invoice has what it used.

    A credit counts for a cycle that begins before it expires.
    """
    if cycle.settled is not None:
        for applied in cycle.credits.values():
            yield _line(cycle, applied.credit, applied.amount, applied.reason)
        return
    for credit in credits:
        if credit.expires_at is not None and credit.expires_at <= cycle.period.start:
            continue
        used = min(credit.remaining, owed)
        if used > 0:
            owed -= used
            yield _line(cycle, credit.id, used, credit.reason)


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
