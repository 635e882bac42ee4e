"""Savings tips: what an organization would pay less, by rating its history again."""

from datetime import UTC, date, datetime, timedelta

import pytest

from application.insight_views import Tip
from application.tips import Tips
from projections.tips import comparable, last_used, monthly
from tests.january import JANUARY
from tests.world import World, world

GRACE = timedelta(hours=12)


def month(number: int, day: int = 1) -> datetime:
    """An instant of 2026."""
    return datetime(2026, number, day, tzinfo=UTC)


def turn(made: World, number: int) -> None:
    """Close a month and issue its invoice."""
    made.travel(month(number + 1))
    made.advance()
    made.travel(month(number + 1) + GRACE)
    made.advance()


def tips(made: World) -> tuple[Tip, ...]:
    return Tips(made.store, made.store, made.store).tips("acme")


def used(*hours: str) -> World:
    """A machine, 3100 a month, with so many hours of cpu each month."""
    made = world()
    made.attach("a1", "machine", JANUARY)
    for number, each in enumerate(hours, start=1):
        made.travel(month(number, 10))
        if each != "0":
            made.use(each, made.now)
        turn(made, number)
    return made


def test_what_nobody_uses_is_told_with_its_fees() -> None:
    (tip,) = tips(used("8", "0"))
    assert (tip.kind, tip.attachment, tip.service, tip.currency) == (
        "unused",
        "a1",
        "machine",
        "usd",
    )
    assert (tip.monthly, tip.yearly) == ((3100 + 3140) // 2, (3100 + 3140) // 2 * 12)
    assert tip.words == (
        "Machine (a1) had no usage since 2026-01-10. Without it you would pay 31.20 USD a month "
        "less."
    )
    assert tip.basis == ("Rated again, by the prices in force: acme.2026-01-01, acme.2026-02-01.",)


def test_what_is_used_or_new_or_has_no_meter_is_not_unused() -> None:
    made = used("8", "8")
    assert tips(made) == (), "used within the month"
    made.attach("a2", "machine", made.now)
    made.attach("a3", "seat", made.now)
    made.travel(month(3, 10))
    assert tips(made) == (), "attached some days ago, or nothing to count"
    made.travel(month(3, 11))
    assert [each.attachment for each in tips(made)] == [], "ten days are no month"


def test_another_offer_for_the_same_usage_is_told_with_what_it_would_have_saved() -> None:
    made = world()
    made.price("big-base", model="flat", amount="4000")
    made.price("big-cpu", meter="cpu", model="per_unit", unit_amount="1")
    made.service("plan", "big-base", "big-cpu")
    made.service("larger", "seat", "cpu")
    made.attach("a1", "machine", JANUARY)
    for number in (1, 2):
        made.travel(month(number, 10))
        made.use("2000", made.now)
        turn(made, number)
    (tip,) = tips(made)
    was, would = 3100 + 50 + 1990 * 3, 4000 + 2000
    assert (tip.kind, tip.attachment, tip.monthly) == ("cheaper", "a1", was - would)
    assert "Plan would cost 31.20 USD a month less" in tip.words


def test_an_offer_that_would_cost_more_is_not_told() -> None:
    made = world()
    made.price("plan-cpu", meter="cpu", model="per_unit", unit_amount="9")
    made.service("plan", "base", "plan-cpu")
    made.attach("a1", "machine", JANUARY)
    made.travel(month(1, 25))
    made.use("2000", made.now)
    turn(made, 1)
    assert tips(made) == ()


def test_a_commitment_that_is_never_reached() -> None:
    made = world()
    made.price("committed", meter="cpu", model="per_unit", unit_amount="5", minimum_amount="2000")
    made.service("deal", "committed")
    made.attach("a1", "deal", JANUARY)
    for number, hours in ((1, "100"), (2, "300")):
        made.travel(month(number, 25))
        made.use(hours, made.now)
        turn(made, number)
    (tip,) = tips(made)
    assert (tip.kind, tip.monthly) == ("minimum", 500), "the most it came to is 1500"


def test_an_organization_without_a_whole_month_is_not_compared() -> None:
    made = world()
    made.attach("a1", "machine", JANUARY)
    made.travel(month(1, 20))
    made.use("1", made.now)
    assert tips(made) == ()


@pytest.mark.parametrize(
    ("mine", "other", "can"),
    [
        pytest.param({"cpu": "a"}, {"cpu": "b"}, True, id="another price"),
        pytest.param({"cpu": "a"}, {"cpu": "a"}, False, id="the same price: a larger thing"),
        pytest.param({"cpu": "a"}, {"cpu": "b", "gb": "c"}, False, id="it counts more"),
        pytest.param({}, {}, False, id="nothing counted"),
    ],
)
def test_offers_are_compared_by_what_they_count(
    mine: dict[str, str], other: dict[str, str], can: bool
) -> None:
    assert comparable(mine, other) is can


def test_savings_are_never_rounded_up() -> None:
    assert [monthly(each) for each in ([3, 4], [], [-1, 0])] == [3, 0, -1]
    days = [(date(2026, 1, 2), {"a"}), (date(2026, 1, 1), {"a", "b"})]
    assert last_used(days) == {"a": date(2026, 1, 2), "b": date(2026, 1, 1)}
