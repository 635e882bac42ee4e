"""Bill now, and the end of an organization: cycles that end before their time."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from domain.errors import InvalidInput, NotFound, RuleViolation
from tests.application.test_verification import broken
from tests.january import FEBRUARY, JANUARY, day
from tests.world import ACTOR, World, world

FIRST = "acme.2026-01-01"
GRACE = timedelta(hours=12)


def running() -> World:
    """It is January 11. a1 is a machine, a2 is rent in advance, both from the first on."""
    made = world()
    made.price("rent", model="flat", amount="3100", billing="in_advance")
    made.service("rent", "rent")
    made.attach("a1", "machine", JANUARY)
    made.attach("a2", "rent", JANUARY)
    made.travel(day(11))
    made.use("12", day(5))
    return made


def bill_now(made: World, why: str = "asked") -> object:
    return made.ending.bill_now("acme", why, at=made.now, actor=ACTOR)


def close(made: World) -> object:
    return made.ending.close("acme", "moved away", at=made.now, actor=ACTOR)


def reopen(made: World) -> object:
    return made.ending.reopen("acme", "back again", at=made.now, actor=ACTOR)


# Bill now


def test_a_bill_asked_for_now_ends_the_cycle_and_the_next_goes_on() -> None:
    """10 of 31 days are billed, and the rest of the month ahead of it."""
    made = running()
    bill_now(made)
    assert made.store.cycle_names("acme") == [FIRST, "acme.2026-01-11"]
    assert made.lines() == {
        "fee/a1/base@1": 1000,
        "fee/a2/rent@1": 1000,
        "coming/a2/rent@1": 2100,
        "usage/a1/cpu@1": 56,
    }
    assert made.lines("acme.2026-01-11") == {"fee/a1/base@1": 2100, "coming/a2/rent@1": 3100}
    made.travel(made.now + GRACE)
    assert made.advance().issued == [FIRST]


def test_asking_twice_at_one_instant_does_nothing() -> None:
    made = running()
    bill_now(made)
    before = list(made.store.events)
    bill_now(made, "again")
    assert made.store.events == before


def test_a_fee_without_proration_is_owed_once_in_the_full_period() -> None:
    made = running()
    made.price("once", model="flat", amount="500", proration="none")
    made.service("flat", "once")
    made.attach("a3", "flat", day(5))
    bill_now(made)
    assert made.lines()["fee/a3/once@1"] == 500
    assert made.lines("acme.2026-01-11")["fee/a3/once@1"] == 0
    made.travel(FEBRUARY + timedelta(hours=1))
    made.advance()
    assert made.lines("acme.2026-02-01")["fee/a3/once@1"] == 500


def test_the_day_that_is_cut_in_two_is_owed_once() -> None:
    """Billed at noon of the eleventh: 10 days, then 21."""
    made = running()
    made.price("days", model="flat", amount="3100", proration="day")
    made.service("daily", "days")
    made.attach("a3", "daily", JANUARY)
    made.travel(day(11, 12))
    bill_now(made)
    assert made.lines()["fee/a3/days@1"] == 1000
    assert made.lines("acme.2026-01-11")["fee/a3/days@1"] == 2100


def test_nothing_may_be_dated_after_the_end() -> None:
    made = running()
    made.use("1", day(11))
    with pytest.raises(RuleViolation) as refusal:
        made.ending.bill_now("acme", "asked", at=day(9), actor=ACTOR)
    assert refusal.value.code == "dated_later"
    with pytest.raises(InvalidInput):
        made.ending.bill_now("acme", "asked", at=day(20), actor=ACTOR)


def test_what_was_dated_within_the_same_second_is_not_too_late() -> None:
    made = running()
    made.travel(day(11) + timedelta(milliseconds=200))
    made.item("i1", 500, made.now)
    made.later(milliseconds=300)
    bill_now(made)
    assert made.lines()["item/i1"] == 500


# The end of an organization


def test_closing_ends_everything_and_gives_back_what_was_billed_ahead() -> None:
    """February's 3100 were billed in January; the organization ends on the fifteenth."""
    made = running()
    made.travel(FEBRUARY + timedelta(days=14))
    assert made.advance().issued == [FIRST]
    close(made)
    assert made.lines("acme.2026-02-01") == {"fee/a1/base@1": 1550, "unused/a2/rent@1": -1550}
    made.travel(made.now + GRACE)
    assert made.advance().issued == ["acme.2026-02-01"]
    assert made.store.cycle_names("acme") == [FIRST, "acme.2026-02-01"]
    with pytest.raises(NotFound):
        made.current()


def test_what_is_left_over_becomes_a_credit() -> None:
    made = running()
    made.detach("a1", day(11))
    made.travel(FEBRUARY + timedelta(days=14))
    made.advance()
    close(made)
    made.travel(made.now + GRACE)
    made.advance()
    assert made.lines("acme.2026-02-01") == {"unused/a2/rent@1": -1550, "carry/out": 1550}
    (credit,) = made.holdings.credits("acme")
    assert (credit.credit, credit.remaining) == ("carry-2026-02-15-1", 1550)


def test_nothing_is_billed_ahead_of_the_end() -> None:
    made = running()
    close(made)
    assert made.lines() == {"fee/a1/base@1": 1000, "fee/a2/rent@1": 1000, "usage/a1/cpu@1": 56}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda w: w.attach("a9", "seat", w.now), id="attach"),
        pytest.param(lambda w: w.item("i9", 100, w.now), id="item"),
        pytest.param(bill_now, id="bill now"),
    ],
)
def test_what_is_dated_after_the_end_is_refused(change: Callable[[World], object]) -> None:
    made = running()
    close(made)
    made.later(hours=1)
    with pytest.raises(RuleViolation) as refusal:
        change(made)
    assert refusal.value.code == "organization_closed"


def test_usage_after_the_end_waits_and_late_usage_before_it_counts() -> None:
    made = running()
    close(made)
    made.later(hours=1)
    assert made.use("1", made.now).refusals[0].code == "organization_closed"
    assert made.use("1", day(9)).refusals == {}
    assert made.lines()["usage/a1/cpu@1"] == 59


def test_closing_twice_does_nothing() -> None:
    made = running()
    close(made)
    before = list(made.store.events)
    close(made)
    assert made.store.events == before


def test_a_reopened_organization_begins_anew_with_nothing_attached() -> None:
    made = running()
    close(made)
    made.travel(day(21))
    made.advance()
    reopen(made)
    assert made.store.cycle_names("acme") == [FIRST, "acme.2026-01-21"]
    assert made.lines("acme.2026-01-21") == {}
    made.attach("a1", "machine", day(21))
    assert made.lines("acme.2026-01-21") == {"fee/a1/base@1": 1100}
    assert made.use("1", day(15)).refusals[0].code == "organization_closed", "nobody owes the gap"


def test_what_the_last_invoice_leaves_is_a_credit_for_the_time_after_reopening() -> None:
    made = running()
    made.detach("a1", day(11))
    made.travel(FEBRUARY + timedelta(days=14))
    made.advance()
    close(made)
    made.travel(FEBRUARY + timedelta(days=15))
    reopen(made)
    made.attach("a1", "machine", made.now)
    assert "carry/in" not in made.lines("acme.2026-02-16")
    made.advance()
    assert made.lines("acme.2026-02-16") == {
        "fee/a1/base@1": 1439,
        "credit/carry-2026-02-15-1": -1439,
    }


def test_what_a_last_invoice_that_is_held_leaves_waits_with_it() -> None:
    """1550 of rent come back for the half of February: a credit, once the hold is over."""
    made = running()
    made.detach("a1", day(11))
    made.travel(FEBRUARY + timedelta(days=14))
    made.advance()
    close(made)
    last = "acme.2026-02-01"
    made.holding.hold(last, "looks odd", actor=ACTOR, at=made.now)
    made.travel(FEBRUARY + timedelta(days=15))
    made.advance()
    assert made.lines(last) == {"unused/a2/rent@1": -1550, "carry/out": 1550}
    reopen(made)
    made.attach("a1", "machine", made.now)
    assert made.lines("acme.2026-02-16") == {"fee/a1/base@1": 1439}
    assert broken(made) == []
    made.holding.release(last, "it is right", actor=ACTOR, at=made.now)
    made.advance()
    assert made.lines("acme.2026-02-16")["credit/carry-2026-02-15-1"] == -1439
    assert broken(made) == []
