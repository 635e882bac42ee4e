"""Forecasts of bills: usage to come, rated by the real prices."""

from application.daily_costs import DailyCosts
from application.forecasting import Forecasts
from application.insight_views import ForecastView
from tests.insight_memory import MemoryPastInvoices, MemoryUsageDays
from tests.january import FEBRUARY, JANUARY, day
from tests.world import World, world


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
