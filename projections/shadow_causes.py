"""Why two sides of a line differ, as far as the lines themselves tell."""

from collections.abc import Sequence
from enum import StrEnum
from fractions import Fraction

from domain.invoice import LineItem
from domain.money import step
from projections.imported_invoice import ImportedLine


class Cause(StrEnum):
    """A cause that a person can go after."""

    TAX = "tax"
    DISCOUNT = "discount"
    PRORATION = "proration"
    ROUNDING = "rounding"
    MISSING_USAGE = "missing_usage"
    """They counted more than we did."""
    MORE_USAGE = "more_usage"
    """We counted more than they did."""
    QUANTITY = "quantity"
    PRICE = "price"
    """The same quantity comes to another amount."""
    CURRENCY = "currency"
    NOT_BILLED = "not_billed"
    """We have a line, they have none."""
    NOT_IN_BOOKS = "not_in_books"
    """They have a line, we have none."""


def cause_of(
    ours: Sequence[LineItem], theirs: Sequence[ImportedLine], currency: str
) -> Cause | None:
    """Why they differ; ``None`` where they come to the same."""
    difference = sum(line.amount for line in theirs) - sum(line.amount for line in ours)
    if not difference:
        return None
    prorated = any(line.proration for line in theirs) or any(map(_is_part, ours))
    if not ours or not theirs:
        if prorated:
            return Cause.PRORATION
        return Cause.NOT_BILLED if ours else Cause.NOT_IN_BOOKS
    if difference == sum(line.tax for line in theirs):
        return Cause.TAX
    if abs(difference) <= step(currency) * max(len(theirs), len(ours)):
        return Cause.ROUNDING
    if prorated:
        return Cause.PRORATION
    return _of_quantity(ours, theirs)


def _is_part(line: LineItem) -> bool:
    return line.proration is not None and line.proration[0] != line.proration[1]


def _of_quantity(ours: Sequence[LineItem], theirs: Sequence[ImportedLine]) -> Cause:
    """By what was counted. Where one side does not say how much it was, the price is at fault."""
    mine = sum((line.quantity for line in ours), Fraction(0))
    said = [line.quantity for line in theirs if line.quantity is not None]
    other = sum((Fraction(each) for each in said), Fraction(0))
    if not said or mine == other:
        return Cause.PRICE
    if any(line.kind == "usage" for line in ours):
        return Cause.MISSING_USAGE if mine < other else Cause.MORE_USAGE
    return Cause.QUANTITY
