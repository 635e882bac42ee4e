"""Usage of a cycle, and the lines it is rated to."""

from fractions import Fraction
from typing import Any

from domain.catalog import Meter
from domain.events.usage import micros
from domain.price import Price
from domain.rating import Rated, rate
from domain.tally import Tallies, Tally, TallyKey
from tests.given import cycle_of
from tests.january import JANUARY, OPENED, attached, day, meter, price

Group = tuple[tuple[str, str], ...]
TIERS = [{"up_to": "10", "unit_amount": "5"}, {"up_to": None, "unit_amount": "3"}]


def metered(**terms: Any) -> Price:
    return price("cpu", meter="cpu", **({"model": "per_unit", "unit_amount": "2.5"} | terms))


def graduated(tiers: list[dict[str, Any]] = TIERS, **terms: Any) -> Price:
    return price("cpu", meter="cpu", model="graduated", tiers=tiers, **terms)


def tally(value: str, aggregation: str = "sum") -> Tally:
    found = Tally()
    found.add(aggregation, value, micros(day(5)))
    return found


def used(quantities: dict[Group, str] | str, ref: str = "cpu@1") -> Tallies:
    groups = {(): quantities} if isinstance(quantities, str) else quantities
    return {TallyKey("cpu", "a1", ref, group): tally(value) for group, value in groups.items()}


def rated(
    rate_at: Price, tallies: Tallies, *events: object, meter_is: Meter | None = None
) -> Rated:
    history = events or (attached("a1", JANUARY, rate_at),)
    meters = {"cpu": meter_is or meter("cpu", dimensions=("region", "size"))}
    found = rate(cycle_of(OPENED, *history), tallies, {rate_at.ref: rate_at}, meters)
    for line in found.invoice.lines:
        exact = sum((charge.amount for charge in line.charges), Fraction(0))
        assert exact == line.unrounded, "the charges of a line sum to its exact amount"
    return found


def lines(*args: Any, **kwargs: Any) -> dict[str, int]:
    return {line.key: line.amount for line in rated(*args, **kwargs).invoice.lines}


CPU = "usage/a1/cpu@1"
HOURS = {"divide_by": "3600", "round": "none"}


FRA, NYC = (("region", "fra"),), (("region", "nyc"),)


def grouped(**terms: Any) -> Price:
    return graduated(group_by=["region"], **terms)
