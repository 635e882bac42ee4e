"""Lines a person decided about: waived, set or credited, whatever kind of line it is."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from application.adjusting import NewDiscount
from application.gateway import CreditNote
from domain.errors import RuleViolation
from tests.january import FEBRUARY, JANUARY, MARCH, day
from tests.world import ACTOR, World, world

FIRST, SECOND = "acme.2026-01-01", "acme.2026-02-01"
FEE, COMING = "fee/a1/base@1", "coming/a1/rent@1"
PERIOD_OVER, GRACE_OVER = FEBRUARY + timedelta(hours=1), FEBRUARY + timedelta(hours=13)


def waive(made: World, line: str, cycle: str = FIRST) -> None:
    made.adjusting.waive(cycle, line, "sorry", at=made.now, actor=ACTOR)


def set_to(made: World, line: str, amount: int, cycle: str = FIRST) -> None:
    made.adjusting.override(cycle, line, amount, "agreed", final=False, at=made.now, actor=ACTOR)


def rented(**policies: object) -> World:
    """A machine for 2800 a month, billed in advance, from the first of January on."""
    made = world()
    if policies:
        made.register(policies=policies)
    made.price("rent", model="flat", amount="2800", billing="in_advance")
    made.service("rent", "rent")
    made.attach("a1", "rent", JANUARY)
    return made


def small(made: World) -> None:
    """January comes to 30, too little to be collected: February takes it over."""
    made.item("i1", 30, day(1))
    made.travel(GRACE_OVER)
    made.advance()


@pytest.mark.parametrize(
    ("decide", "decision", "amount"),
    [
        pytest.param(waive, "waive/item/i1", -500, id="waived: 500 - 500"),
        pytest.param(
            lambda made, line: set_to(made, line, 100),
            "override/item/i1",
            -400,
            id="set: 100 - 500",
        ),
    ],
)
def test_a_one_off_item_may_be_waived_or_set(
    decide: Callable[[World, str], None], decision: str, amount: int
) -> None:
    made = world()
    made.travel(day(5))
    made.item("i1", 500, day(5))
    decide(made, "item/i1")
    assert made.lines() == {"item/i1": 500, decision: amount}


def test_a_late_line_may_be_waived_and_is_not_billed_again() -> None:
    made = world()
    made.attach("a1", "machine", JANUARY)
    made.travel(GRACE_OVER)
    made.advance()
    made.use("10", day(5))
    late = "late/2026-01-01/usage/a1/cpu@1"
    waive(made, late, SECOND)
    assert made.lines(SECOND) == {FEE: 3100, late: 50, f"waive/{late}": -50}
    made.travel(MARCH + timedelta(hours=13))
    made.advance()
    assert made.lines("acme.2026-03-01") == {FEE: 3100}


def test_what_was_carried_over_may_be_waived() -> None:
    made = world()
    small(made)
    made.item("i2", 500, made.now)
    waive(made, "carry/in", SECOND)
    assert made.lines(SECOND) == {"carry/in": 30, "waive/carry/in": -30, "item/i2": 500}


def test_no_more_is_waived_than_a_discount_left_to_be_asked_for() -> None:
    made = world()
    made.attach("a1", "machine", JANUARY)
    half = NewDiscount(discount="d1", reason="new", percent=Decimal(50))
    made.adjusting.grant_discount("acme", half, at=JANUARY, actor=ACTOR)
    made.travel(PERIOD_OVER)
    made.advance()
    waive(made, FEE)
    assert made.lines() == {FEE: 3100, "discount/d1": -1550, f"waive/{FEE}": -1550}


def test_a_line_is_shown_with_what_it_has_come_to_so_far_and_in_the_end() -> None:
    made = world()
    made.attach("a1", "machine", JANUARY)
    made.item("i1", 500, day(1))
    half = NewDiscount(discount="d1", reason="new", percent=Decimal(50))
    made.adjusting.grant_discount("acme", half, at=JANUARY, actor=ACTOR)
    made.travel(day(11))

    found = {each.line.key: (each.amount, each.total) for each in made.invoices.so_far(FIRST)}
    assert found == {FEE: (500, 1550), "item/i1": (500, 500)}

    set_to(made, FEE, 800)
    found = {each.line.key: (each.amount, each.total) for each in made.invoices.so_far(FIRST)}
    assert found[FEE] == (800, 1850), "what comes later adds on"


@pytest.mark.parametrize("line", ["discount/d1", "credit/k1"])
def test_a_line_that_follows_from_others_is_not_decided_about(line: str) -> None:
    made = world()
    made.attach("a1", "machine", JANUARY)
    off = NewDiscount(discount="d1", reason="new", amount=100)
    made.adjusting.grant_discount("acme", off, at=JANUARY, actor=ACTOR)
    made.credit("k1", 100)
    with pytest.raises(RuleViolation) as refused:
        set_to(made, line, 0)
    assert refused.value.code == "not_adjustable"


@pytest.mark.parametrize(
    ("decide", "february"),
    [
        pytest.param(waive, {}, id="waived: nothing was asked for, nothing comes back"),
        pytest.param(
            lambda made, line: set_to(made, line, 2000),
            {"unused/a1/rent@1": -1000},
            id="set to 2000: 2000 × 14 ÷ 28 comes back",
        ),
    ],
)
def test_a_detach_gives_back_a_part_of_what_was_asked_for_in_advance(
    decide: Callable[[World, str], None], february: dict[str, int]
) -> None:
    made = rented()
    made.travel(PERIOD_OVER)
    made.advance()
    decide(made, COMING)
    made.travel(GRACE_OVER)
    made.advance()
    made.travel(FEBRUARY + timedelta(days=14))
    made.detach("a1", made.now)
    assert made.lines(SECOND) == february


def test_a_detach_gives_back_nothing_of_what_a_credit_note_gave_back() -> None:
    """(2800 - 700) × 14 ÷ 28."""
    made = rented(collection="send_invoice")
    made.travel(GRACE_OVER)
    made.advance()
    note = CreditNote(id="n1", lines={COMING: 700}, reason="agreed", reduce_due=700)
    made.crediting.issue(FIRST, note, actor=ACTOR)
    made.crediting.issue(FIRST, note, actor=ACTOR)
    made.travel(FEBRUARY + timedelta(days=14))
    made.detach("a1", made.now)
    assert made.lines(SECOND) == {"unused/a1/rent@1": -1050}
