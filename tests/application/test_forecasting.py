"""Forecasts of bills: usage to come, rated by the real prices."""

from datetime import timedelta

import pytest

from application.daily_costs import DailyCosts
from application.forecasting import Forecasts
from application.insight_views import ForecastView
from domain.errors import NotFound
from tests.insight_memory import MemoryPastInvoices, MemoryUsageDays
from tests.january import FEBRUARY, JANUARY, day
from tests.world import World, world

HOURS = {"divide_by": "3600", "round": "none"}


def forecast(made: World) -> ForecastView:
    store = made.store
    costs = DailyCosts(store, store, store)
    forecasts = Forecasts(costs, store, store, MemoryUsageDays(store), MemoryPastInvoices(store))
    found = forecasts.forecast("acme")
    assert found.low <= found.expected <= found.high
    return found


def steady(until: int, hours: str = "2") -> World:
    """a1 is a machine that reports as many hours of cpu at noon of each day."""
    made = world()
    made.attach("a1", "machine", JANUARY)
    for number in range(1, until + 1):
        made.travel(day(number, 12))
        made.use(hours, day(number, 12))
    made.travel(day(until + 1))
    return made


def test_a_steady_pace_goes_on_through_the_tiers() -> None:
    found = forecast(steady(10))
    assert (found.expected, found.accrued) == (3100 + 50 + 52 * 3, 1000 + 50 + 10 * 3)
    assert found.by_day[-1].by_then == found.expected
    assert sum(each.amount for each in found.by_day) == found.expected
    assert [each.known for each in found.by_day].count(True) == 10


def test_a_finished_cycle_comes_to_its_total() -> None:
    made = steady(31)
    made.travel(FEBRUARY)
    found = forecast(made)
    assert found.low == found.expected == found.high == made.invoice().total
    assert found.method == "known"


def test_nothing_used_comes_to_the_fees() -> None:
    made = world()
    made.attach("a1", "machine", JANUARY)
    made.travel(day(3))
    found = forecast(made)
    assert (found.low, found.expected, found.high, found.method) == (3100, 3100, 3100, "known")
    assert found.basis == ("Fees are those of what runs now, to the end of the period.",)


def test_the_first_hours_give_a_wide_range() -> None:
    made = world()
    made.attach("a1", "machine", JANUARY)
    made.travel(day(1, 12))
    made.use("1", day(1, 6))
    found = forecast(made)
    assert found.method == "few_days"
    assert 3105 < found.low < found.expected < found.high
    assert any("fewer than 7 days" in sentence for sentence in found.basis)


def test_usage_of_a_service_that_ended_is_not_carried_on() -> None:
    """Half of the pace was the other machine's."""
    made = world()
    made.attach("a1", "machine", JANUARY)
    made.attach("a2", "machine", JANUARY)
    for number in range(1, 11):
        made.travel(day(number, 12))
        made.use("2", day(number, 12), "a1")
        made.use("2", day(number, 12), "a2")
    made.travel(day(11))
    made.detach("a2", day(11))
    found = {each.key: each.expected for each in forecast(made).lines}
    assert found["usage/a2/cpu@1"] == 50 + 10 * 3
    assert found["usage/a1/cpu@1"] == 50 + 52 * 3


def test_the_cycle_before_says_whose_usage_it_is_where_this_one_is_young() -> None:
    made = steady(31)
    made.travel(FEBRUARY + timedelta(hours=12))
    made.advance()
    found = forecast(made)
    assert found.cycle == "acme.2026-02-01"
    assert found.expected == pytest.approx(3100 + 50 + 46 * 3, abs=3), "27.5 days of 2 hours"
    assert "Your last invoice was 33.06 USD." in found.basis


def test_fees_in_advance_and_credits_are_apart() -> None:
    made = steady(10)
    made.price("ahead", model="flat", amount="1000", billing="in_advance")
    made.service("plan", "ahead")
    made.attach("p1", "plan", day(11))
    made.credit("sorry", 300)
    found = forecast(made)
    assert found.apart == 1000 - 300, "February's fee is on this bill"
    assert sum(each.amount for each in found.by_day) + found.apart == found.expected


def test_single_records_are_carried_on_as_they_have_been() -> None:
    made = world()
    made.meter("paid")
    made.price("share", meter="paid", model="percentage", rate="1", fixed_amount="10")
    made.service("shop", "share")
    made.attach("s1", "shop", JANUARY)
    for number in range(1, 11):
        made.travel(day(number, 12))
        made.use("1000", day(number, 12), "s1", meter="paid")
    made.travel(day(11))
    found = forecast(made)
    assert found.expected == pytest.approx(31 * 20, abs=12), "10 and a percent of 1000, each day"


def test_a_level_is_taken_to_hold() -> None:
    made = world()
    made.meter("disk", "time_weighted")
    made.price("disk", meter="disk", model="per_unit", unit_amount="1", unit_conversion=HOURS)
    made.service("volume", "disk")
    made.attach("v1", "volume", JANUARY)
    made.use("2", JANUARY, "v1", meter="disk")
    made.travel(day(3))
    found = forecast(made)
    assert (found.expected, found.low, found.high) == (2 * 744, 2 * 744, 2 * 744)
    assert any(sentence == "Taken to stay as it is: disk." for sentence in found.basis)


def test_a_peak_grows_as_it_did_in_the_cycle_before() -> None:
    """Last month 4 at this point and 10 in the end; now 2, so 5, and perhaps 10 again."""
    made = world()
    made.meter("users", "unique")
    made.price("users", meter="users", model="per_unit", unit_amount="100")
    made.service("team", "users")
    made.attach("t1", "team", JANUARY)
    for number in range(1, 11):
        made.travel(day(number if number <= 4 else 20, 12))
        made.use(f"u{number}", made.now, "t1", meter="users")
    made.travel(FEBRUARY + timedelta(hours=12))
    made.advance()
    made.travel(FEBRUARY + timedelta(days=4))
    for user in ("u1", "u2"):
        made.use(user, made.now - timedelta(hours=1), "t1", meter="users")
    found = forecast(made)
    assert (found.low, found.expected, found.high) == (200, 500, 1000)
    assert found.method == "last_cycle"
    assert "users: usage grows from this day on as in the period before." in found.basis


def test_who_does_not_exist_has_no_forecast() -> None:
    store = world().store
    costs, usage = DailyCosts(store, store, store), MemoryUsageDays(store)
    with pytest.raises(NotFound):
        Forecasts(costs, store, store, usage, MemoryPastInvoices(store)).forecast("nobody")
