"""A cycle as it is rated from events, and what its lines come to."""

from fractions import Fraction
from typing import Any

from domain.rating import Rated, Surroundings, rate
from tests.given import cycle_of
from tests.january import (
    BASE,
    OPENED,
    SEAT,
    meter,
)

FEE, CPU = "fee/a1/base@1", "usage/a1/cpu@1"


def rated(*events: object, prices: Any = (BASE, SEAT), tallies: Any = None, **around: Any) -> Rated:
    book = {each.ref: each for each in prices}
    meters = {"cpu": meter("cpu", dimensions=("region",))}
    found = rate(cycle_of(OPENED, *events), tallies or {}, book, meters, Surroundings(**around))
    for line in found.invoice.lines:
        exact = sum((charge.amount for charge in line.charges), Fraction(0))
        assert not line.charges or exact == line.unrounded, line.key
    return found


def amounts(*events: object, **more: Any) -> dict[str, int]:
    return {line.key: line.amount for line in rated(*events, **more).invoice.lines}
