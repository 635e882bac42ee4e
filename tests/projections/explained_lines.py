"""Lines of a rated invoice, and the steps that explain them."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from domain.billing_cycle import BillingCycle
from domain.invoice import LineItem
from domain.price import Price
from domain.rating import Rated
from domain.tally import Each, Tallies, Tally, TallyKey
from projections.replay import replay_control
from projections.steps import ELSEWHERE, IN_THE_LINE, KINDS, Step, steps
from tests.january import OPENED
from tests.projections.test_explanation import history


def cycle_of(*events: Any) -> BillingCycle:
    return replay_control(history(OPENED, *events))


def tallies_of(ref: str, values: Mapping[str, Fraction]) -> Tallies:
    """What was used, by region."""
    return {
        TallyKey("m", "a1", ref, (("region", region),)): Tally(
            quantity=_decimal(value),
            records=1,
            each=[Each(0, "s", region, _decimal(value))],
        )
        for region, value in values.items()
    }


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / value.denominator


def explained(rated: Rated, key: str, book: Mapping[str, Price]) -> tuple[Step, ...]:
    line = found(rated, key)
    rated_by = book[line.price] if line.price else None
    return steps(line, rated.invoice, rated.basis.values(), rated_by)


def found(rated: Rated, key: str) -> LineItem:
    return next(line for line in rated.invoice.lines if line.key == key)


def told(rated: Rated, key: str, book: Mapping[str, Price]) -> list[tuple[str, Any, Any]]:
    return [(each.kind, each.quantity, each.amount) for each in explained(rated, key, book)]


def check_sums(rated: Rated, book: Mapping[str, Price]) -> None:
    for line in rated.invoice.lines:
        found = explained(rated, line.key, book)
        assert {each.kind for each in found} <= KINDS
        amounts = [each.amount or 0 for each in found if each.kind in IN_THE_LINE]
        assert sum(amounts) == line.unrounded, line.key
        rounding = next(each.amount for each in found if each.kind == "rounding")
        assert sum(amounts) + (rounding or 0) == line.amount
        assert all((each.line is not None) == (each.kind in ELSEWHERE) for each in found)
