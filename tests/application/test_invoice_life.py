"""From the end of a period to the money: approval, holds, credits, discounts."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from application.adjusting import NewDiscount
from domain.errors import InvalidInput, RuleViolation
from tests.application.given_issued import (
    CPU,
    FEE,
    FIRST,
    GRACE_OVER,
    SECOND,
    THIRD,
    discount,
    running,
    waiting,
)
from tests.january import FEBRUARY, JANUARY, MARCH, day
from tests.world import ACTOR, world

# Approval


def test_an_invoice_waits_until_a_person_approves_it() -> None:
    made = running(approval="always")
    made.travel(GRACE_OVER)
    assert waiting(made) == ["approval_required"]
    made.holding.approve(FIRST, "checked", actor=ACTOR, at=made.now)
    assert made.advance().issued == [FIRST]
    assert made.names().count("ApprovalRequested") == 1


def test_an_invoice_that_changed_after_its_approval_is_asked_for_again() -> None:
    made = running(approval="always")
    made.travel(GRACE_OVER)
    made.advance()
    made.holding.approve(FIRST, "checked", actor=ACTOR, at=made.now)
    made.item("i1", 500, day(9))
    assert waiting(made) == ["approval_required"]
    made.holding.approve(FIRST, "checked again", actor=ACTOR, at=made.now)
    assert made.advance().issued == [FIRST]
    assert made.names().count("ApprovalRequested") == 2


@pytest.mark.parametrize(
    ("amount", "codes"),
    [
        pytest.param(3099, ["approval_required"], id="3100 is above 3099"),
        pytest.param(3100, [], id="3100 is not above 3100"),
    ],
)
def test_only_large_invoices_may_need_approval(amount: int, codes: list[str]) -> None:
    made = running(approval="above", approval_amount=amount)
    made.travel(GRACE_OVER)
    assert waiting(made) == codes


# Holds


def test_what_a_held_cycle_would_carry_keeps_the_next_one_waiting() -> None:
    """A credit of 49 is too small an invoice: it is carried, and so February waits for it."""
    made = world()
    made.item("i1", 49, day(9))
    made.holding.hold(FIRST, "odd", actor=ACTOR, at=JANUARY)
    made.travel(FEBRUARY)
    made.attach("a1", "machine", FEBRUARY)
    made.travel(MARCH + timedelta(days=1))
    assert waiting(made) == ["cycle_held", "carried_amount_open"]
    assert made.lines(SECOND) == {FEE: 3100, "carry/in": 49}
    made.holding.release(FIRST, "fine", actor=ACTOR, at=made.now)
    assert made.advance().issued == [FIRST, SECOND]
    assert made.lines() == {"item/i1": 49, "carry/out": -49}
    assert made.lines(SECOND) == {FEE: 3100, "carry/in": 49}


# What people decide, by the clock


def test_waiving_takes_off_what_accrued_and_later_usage_adds_on() -> None:
    made = running()
    made.travel(day(11))
    made.use("8", day(5))
    made.adjusting.waive(FIRST, CPU, "sorry", at=day(11), actor=ACTOR)
    made.adjusting.waive(FIRST, FEE, "sorry", at=day(11), actor=ACTOR)
    made.use("2", day(9))
    assert made.lines() == {FEE: 3100, CPU: 50, f"waive/{CPU}": -40, f"waive/{FEE}": -1000}


def test_setting_an_amount_sets_what_accrued_so_far() -> None:
    made = running()
    made.travel(day(11))
    set_fee = made.adjusting.override
    set_fee(FIRST, FEE, 400, "agreed", final=False, at=day(11), actor=ACTOR)
    assert made.lines() == {FEE: 3100, f"override/{FEE}": -600}, "400 instead of 1000"


def test_a_final_amount_can_be_set_once_the_period_is_over() -> None:
    made = running()
    override = made.adjusting.override
    with pytest.raises(RuleViolation) as refusal:
        override(FIRST, FEE, 400, "agreed", final=True, at=day(11), actor=ACTOR)
    assert refusal.value.code == "cycle_accruing"
    made.travel(FEBRUARY + timedelta(hours=1))
    made.advance()
    override(FIRST, FEE, 400, "agreed", final=True, at=made.now, actor=ACTOR)
    made.detach("a1", day(11))
    assert made.lines() == {FEE: 1000, f"override/{FEE}": -600}, "400, whatever else is known"


# Credits


def test_credits_expire_and_those_that_expire_first_are_used_first() -> None:
    made = running()
    made.credit("never", 5000)
    made.credit("soon", 1000, day(20))
    assert made.lines() == {FEE: 3100, "credit/soon": -1000, "credit/never": -2100}
    made.travel(MARCH + timedelta(days=1))
    made.advance()
    views = {each.credit: (each.applied, each.expired) for each in made.holdings.credits("acme")}
    assert views == {"never": (5000, 0), "soon": (1000, 0)}


def test_what_is_left_of_a_credit_lapses_when_no_cycle_can_use_it() -> None:
    made = running()
    made.credit("soon", 9000, day(20))
    made.travel(GRACE_OVER)
    made.advance()
    assert made.lines() == {FEE: 3100, "credit/soon": -3100}
    assert made.lines(SECOND) == {FEE: 3100}
    (view,) = made.holdings.credits("acme")
    assert (view.applied, view.expired, view.remaining) == (3100, 5900, 0)


def test_a_discount_counts_for_as_many_invoices_as_it_says() -> None:
    made = running()
    discount(made, percent=Decimal(50), cycles=2)
    made.travel(MARCH + timedelta(days=1))
    made.advance()
    assert [made.lines(each).get("discount/d1") for each in (FIRST, SECOND, THIRD)] == [
        -1550,
        -1550,
        None,
    ]


def test_a_discount_that_is_sent_again_after_the_issue_does_nothing() -> None:
    made = running()
    new = NewDiscount(discount="d1", reason="new", percent=Decimal(50), cycles=2)
    made.adjusting.grant_discount("acme", new, at=made.now, actor=ACTOR)
    made.travel(GRACE_OVER)
    made.advance()
    before = list(made.store.events)
    again = made.adjusting.grant_discount("acme", new, at=JANUARY, actor=ACTOR)
    assert (again.effect, made.store.events) == ("nothing", before)
    other = replace(new, percent=Decimal(60))
    with pytest.raises(RuleViolation, match="another content"):
        made.adjusting.grant_discount("acme", other, at=JANUARY, actor=ACTOR)


def test_a_discount_that_is_ended_counts_no_more_in_open_cycles() -> None:
    made = running()
    discount(made, amount=100)
    made.travel(GRACE_OVER)
    made.advance()
    assert made.lines(SECOND) == {FEE: 3100, "discount/d1": -100}
    made.adjusting.end_discount("acme", "d1", "over", at=made.now, actor=ACTOR)
    assert made.lines(SECOND) == {FEE: 3100}
    assert made.lines()["discount/d1"] == -100


def test_a_discount_is_granted_once_and_not_with_other_terms() -> None:
    made = running()
    discount(made, amount=100)
    before = list(made.store.events)
    discount(made, amount=100)
    assert made.store.events == before
    with pytest.raises(RuleViolation):
        discount(made, amount=200)
    with pytest.raises(InvalidInput):
        discount(made, amount=100, percent=Decimal(5))


def test_a_late_detach_takes_its_part_of_the_discount_with_it() -> None:
    """Half of 3100 was billed; a third was owed: 1000 - 3100, and half of that back."""
    made = running()
    discount(made, percent=Decimal(50), cycles=1)
    made.travel(GRACE_OVER)
    made.advance()
    made.detach("a1", day(11))
    assert made.lines(SECOND) == {
        f"late/2026-01-01/{FEE}": -2100,
        "late/2026-01-01/discount/d1": 1050,
    }
