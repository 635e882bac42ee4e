"""Cost by day: each day's share of what a cycle has earned, and the whole to the cent."""

from datetime import date, timedelta

from application.daily_costs import DailyCosts
from application.insight_views import DailyCost
from tests.january import JANUARY, day
from tests.world import World, world


def costs(made: World, cycle: str | None = None) -> DailyCost:
    found = DailyCosts(made.store, made.store, made.store).cost("acme", cycle)
    assert sum(each.amount for each in found.days) + sum(found.apart.values()) == found.accrued
    for each in found.days:
        assert sum(each.by_attachment.values()) == each.amount
    return found


def used() -> World:
    """a1 is a machine; 8 and 4 hours of cpu were reported on the fifth and the ninth."""
    made = world()
    made.attach("a1", "machine", JANUARY)
    for value, at in (("8", day(5)), ("4", day(9))):
        made.travel(at)
        made.use(value, at)
    made.travel(day(9) + timedelta(hours=1))
    return made


def test_each_day_adds_its_fees_and_its_usage() -> None:
    found = costs(used())
    assert [each.amount for each in found.days] == [100, 100, 100, 100, 140, 100, 100, 100, 20]
    assert found.days[4].day == date(2026, 1, 5)
    assert found.accrued == used().invoices.current("acme").invoice.accrued
    assert [(each.attachment, each.name) for each in found.sources] == [("a1", "Machine")]


def test_a_day_is_the_difference_of_what_had_accrued_by_its_end_and_before() -> None:
    made = used()
    made.attach("a2", "machine", day(6))
    found = costs(made)
    total = 0
    for each, number in zip(found.days[:-1], range(2, 40), strict=False):
        total += each.amount
        at = day(number) - timedelta(microseconds=1)
        assert made.invoices.get(found.cycle, as_of=at).accrued == total
