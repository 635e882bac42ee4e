"""How a meter adds up, and what a usage line says of it."""

import pytest

from domain.catalog import AGGREGATIONS
from domain.events.usage import micros
from domain.invoice import LineItem
from domain.rating import Rated, rate
from domain.tally import Tally, TallyKey
from tests.domain.rated_usage import CPU, FRA, NYC, grouped, lines, metered, rated, used
from tests.given import cycle_of
from tests.january import JANUARY, OPENED, attached, day, detached, meter, opened

# Aggregations


@pytest.mark.parametrize(
    ("aggregation", "values", "expected"),
    [
        pytest.param("sum", ["3", "1", "2"], 6, id="3 + 1 + 2"),
        pytest.param("count", ["3", "1", "2"], 3, id="three records"),
        pytest.param("max", ["3", "1", "2"], 3, id="the highest"),
        pytest.param("latest", ["3", "1", "2"], 2, id="the last"),
        pytest.param("unique", ["u1", "u2", "u1"], 2, id="two users"),
        pytest.param("time_weighted", ["3", "1", "2"], 24 + 8 + 16, id="3 + 1 + 2 for 8 h each"),
    ],
)
def test_a_meter_adds_up_its_way(aggregation: str, values: list[str], expected: int) -> None:
    """One record every eight hours of the last day; prices are 1 an hour where time counts."""
    found = Tally()
    for number, value in enumerate(values):
        found.add(aggregation, value, micros(day(31, 8 * number)))
    conversion = {"divide_by": "3600"} if aggregation == "time_weighted" else None
    rate_at = metered(unit_amount="1", unit_conversion=conversion)
    tallies = {TallyKey("cpu", "a1", "cpu@1", ()): found}
    result = lines(rate_at, tallies, meter_is=meter("cpu", aggregation))
    assert result == {CPU: expected}
    assert aggregation in AGGREGATIONS


def test_a_time_weighted_value_holds_until_the_attachment_ends() -> None:
    """2 from day 21 on, detached on day 26: 2 × 5 × 24 hours."""
    rate_at = metered(unit_amount="1", unit_conversion={"divide_by": "3600"})
    ended = (attached("a1", JANUARY, rate_at), detached("a1", day(26)))
    found = Tally()
    found.add("time_weighted", "2", micros(day(21)))
    tallies = {TallyKey("cpu", "a1", "cpu@1", ()): found}
    assert lines(rate_at, tallies, *ended, meter_is=meter("cpu", "time_weighted")) == {CPU: 240}


def test_what_has_accrued_of_it_so_far_ends_at_that_instant() -> None:
    """2 from day 21 on: by day 26 that is 2 × 5 × 24 hours, of 2 × 11 × 24."""
    rate_at = metered(unit_amount="1", unit_conversion={"divide_by": "3600"})
    found = Tally()
    found.add("time_weighted", "2", micros(day(21)))
    tallies = {TallyKey("cpu", "a1", "cpu@1", ()): found}
    cycle = cycle_of(OPENED, attached("a1", JANUARY, rate_at))
    meters = {"cpu": meter("cpu", "time_weighted")}
    shown = [
        rate(cycle, tallies, {rate_at.ref: rate_at}, meters, until=until).invoice.subtotal
        for until in (day(26), None)
    ]
    assert shown == [240, 528]


def only(found: Rated) -> LineItem:
    (line,) = found.invoice.lines
    return line


def test_a_usage_line_says_what_it_is_for() -> None:
    line = only(rated(grouped(), used({FRA: "12"})))
    assert line.description == "Machine (a1): cpu, region fra, 12 hour"
    assert (line.quantity, line.unit, line.price, line.attachment) == (12, "hour", "cpu@1", "a1")


def test_what_a_record_brings_along_cannot_break_a_description() -> None:
    nasty = (("region", "fra\n\0" + "x" * 600),)
    text = only(rated(grouped(), used({nasty: "12"}))).description
    assert len(text) <= 500
    assert text == text.strip()
    assert text.isprintable()


def test_the_same_facts_give_the_same_invoice_in_any_order() -> None:
    groups = {FRA: "9", NYC: "3"}
    forwards = rated(grouped(), used(groups)).invoice
    backwards = rated(grouped(), used(dict(reversed(groups.items())))).invoice
    assert forwards == backwards
    assert forwards.digest() == backwards.digest()


def test_a_cycle_in_another_currency_rounds_to_its_step() -> None:
    rate_at = metered(currency="kwd")
    history = cycle_of(opened(currency="kwd"), attached("a1", JANUARY, rate_at))
    found = rate(history, used("6"), {rate_at.ref: rate_at}, {"cpu": meter("cpu")})
    assert only(found).amount == 20
