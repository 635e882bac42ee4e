"""Cost by day: each day's share of what a cycle has earned, and the whole to the cent."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.daily_costs import DailyCosts
from application.insight_views import DailyCost
from domain.errors import NotFound
from tests.january import JANUARY, day
from tests.world import ACTOR, World, january, world


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


def test_credits_and_amounts_of_other_cycles_are_apart() -> None:
    made = world()
    january(made)
    made.use("100", day(20))
    first, second = costs(made, "acme.2026-01-01"), costs(made, "acme.2026-02-01")
    assert first.apart == {"credit": -1000}
    assert set(second.apart) == {"late"}
    assert first.accrued == made.invoice("acme.2026-01-01").invoice.subtotal
    assert [each.attachment for each in first.sources] == ["a2", "", "a1"]


def test_days_are_those_of_the_organization() -> None:
    """Clocks change on 29 March in Berlin: that day has 23 hours."""
    made = World(datetime(2026, 2, 28, 23, tzinfo=UTC))
    made.price("seat", model="per_unit", unit_amount="74300")
    made.service("seat", "seat")
    made.register(time_zone="Europe/Berlin")
    made.attach("a1", "seat", made.now)
    made.travel(datetime(2026, 3, 31, 22, tzinfo=UTC))
    found = costs(made)
    assert [each.day.day for each in found.days] == list(range(1, 32))
    assert {each.amount for each in found.days} == {2400, 2300}, "743 hours, 100 each"
    assert found.days[28].amount == 2300


def test_a_corrected_record_counts_on_its_day() -> None:
    made = used()
    made.correcting.retract("test", "r1", "sent twice", actor=ACTOR)
    found = costs(made)
    amounts = [each.amount for each in found.days]
    assert amounts == [100] * 8 + [24], "the four hours of the ninth are of the first tier now"


def test_what_is_remembered_is_what_would_be_counted_anew() -> None:
    """After usage of today, of a day that is over, a new attachment, and another day."""
    made = used()
    kept = DailyCosts(made.store, made.store, made.store)
    kept.cost("acme")
    for change in (
        lambda: made.use("1", day(9)),
        lambda: made.use("1", day(2)),
        lambda: made.attach("a2", "machine", day(3)),
        lambda: made.travel(day(12, 6)),
    ):
        change()
        assert kept.cost("acme") == costs(made)


def test_what_does_not_exist_is_not_found() -> None:
    made = used()
    for organization, cycle in (("nobody", None), ("acme", "acme.2027-01-01")):
        with pytest.raises(NotFound):
            DailyCosts(made.store, made.store, made.store).cost(organization, cycle)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 31), st.integers(1, 40), st.sampled_from(["a1", "a2"])),
        max_size=12,
    ),
    st.integers(1, 40),
)
def test_days_always_add_up(records: list[tuple[int, int, str]], until: int) -> None:
    made = world()
    made.attach("a1", "machine", JANUARY)
    made.attach("a2", "machine", day(9))
    for number, hours, attachment in sorted(records):
        made.travel(max(made.now, day(number, 3)))
        made.use(str(hours), day(number, 3), attachment)
    made.travel(max(made.now, day(until)))
    costs(made, "acme.2026-01-01")
