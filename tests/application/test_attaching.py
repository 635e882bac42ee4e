"""Attaching, detaching, quantities, items and credits, and what they mean for the next cycle."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from application.adjusting import NewCredit, NewItem
from domain.errors import InvalidInput, NotFound, RuleViolation
from tests.january import FEBRUARY, JANUARY, day
from tests.world import ACTOR, World, world

NEXT = "acme.2026-02-01"


def february() -> World:
    """The first of February: January is closing, its successor open; a1 runs since the third."""
    made = world()
    made.attach("a1", "seat", day(3))
    made.travel(FEBRUARY + timedelta(hours=1))
    assert made.advance().closing == ["acme.2026-01-01"]
    return made


def test_an_attachment_runs_from_its_instant_and_a_retry_does_nothing() -> None:
    made = world()
    first = made.attach("a1", "machine", day(11))
    again = made.attach("a1", "machine", day(11))
    assert (first.cycle, first.effect, again.effect) == ("acme.2026-01-01", "recorded", "nothing")
    assert first.position == len(made.store.events)
    assert made.lines() == {"fee/a1/base@1": 2100}


def test_an_attachment_keeps_the_price_versions_it_was_made_at() -> None:
    made = world()
    made.attach("a1", "seat", JANUARY)
    made.travel(day(10))
    made.price("seat", model="per_unit", unit_amount="9300")
    made.attach("a2", "seat", day(10))
    made.attach("a3", "seat", day(9))
    assert sorted(made.lines()) == ["fee/a1/seat@1", "fee/a2/seat@2", "fee/a3/seat@1"]


def test_detach_and_quantity_take_effect_at_their_instants() -> None:
    made = world()
    made.attach("a1", "seat", JANUARY)
    made.count("a1", "2", day(11))
    made.detach("a1", day(21))
    assert made.lines() == {"fee/a1/seat@1": 3000}, "3100 × (10 × 1 + 10 × 2) ÷ 31"


@pytest.mark.parametrize(
    ("change", "problem", "code"),
    [
        (lambda w: w.attach("a1", "rocket", JANUARY), InvalidInput, "invalid_input"),
        (lambda w: w.attach("A 1", "machine", JANUARY), InvalidInput, "invalid_input"),
        (lambda w: w.attach("a1", "machine", JANUARY, "-1"), InvalidInput, "invalid_input"),
        (lambda w: w.attach("a1", "machine", JANUARY, "NaN"), InvalidInput, "invalid_input"),
        (lambda w: w.attach("a1", "machine", JANUARY, "1e30"), InvalidInput, "invalid_input"),
        (lambda w: w.detach("a9", JANUARY), NotFound, "not_found"),
        (lambda w: w.count("a9", "2", JANUARY), NotFound, "not_found"),
        (lambda w: w.attach("a1", "seat", FEBRUARY), RuleViolation, "in_the_future"),
        (
            lambda w: w.attach("a1", "seat", JANUARY - timedelta(days=1)),
            RuleViolation,
            "no_cycle",
        ),
        (lambda w: w.item("i1", 0, JANUARY), InvalidInput, "invalid_input"),
        (lambda w: w.credit("k1", -5), InvalidInput, "invalid_input"),
        (lambda w: w.credit("k1", 5, JANUARY), InvalidInput, "invalid_input"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    change: Any, problem: type[Exception], code: str
) -> None:
    made = world()
    before = list(made.store.events)
    with pytest.raises(problem) as refusal:
        change(made)
    assert refusal.value.code == code  # type: ignore[attr-defined]
    assert made.store.events == before


def test_a_service_that_is_not_there_is_named_as_the_field() -> None:
    with pytest.raises(InvalidInput) as refusal:
        world().attach("a1", "rocket", JANUARY)
    assert refusal.value.context["field"] == "service"


def test_before_the_first_cycle_nothing_can_be_dated() -> None:
    with pytest.raises(RuleViolation, match="acme had no billing cycle at 2025-12-31T00:00:00Z"):
        world().attach("a1", "seat", JANUARY - timedelta(days=1))


def test_an_unknown_organization_is_not_found() -> None:
    with pytest.raises(NotFound):
        world().attaching.detach("nobody", "a1", at=JANUARY, actor=ACTOR)


# Across the end of a period


def test_what_runs_goes_on_in_the_next_cycle() -> None:
    made = february()
    assert made.lines(NEXT) == {"fee/a1/seat@1": 3100}
    (view,) = made.holdings.attachments("acme")
    assert (view.since, view.until, view.carried) == (day(3), None, False)


@pytest.mark.parametrize(
    ("change", "january", "next_lines"),
    [
        pytest.param(
            lambda w: w.detach("a1", day(13)),
            {"fee/a1/seat@1": 1000},
            {},
            id="a late detach",
        ),
        pytest.param(
            lambda w: w.count("a1", "2", day(22)),
            {"fee/a1/seat@1": 3900},
            {"fee/a1/seat@1": 6200},
            id="a late quantity",
        ),
        pytest.param(
            lambda w: w.attach("a2", "seat", day(22)),
            {"fee/a1/seat@1": 2900, "fee/a2/seat@1": 1000},
            {"fee/a1/seat@1": 3100, "fee/a2/seat@1": 3100},
            id="a late attach",
        ),
    ],
)
def test_a_change_dated_into_the_closing_cycle_reaches_the_next(
    change: Any, january: dict[str, int], next_lines: dict[str, int]
) -> None:
    made = february()
    change(made)
    assert made.lines() == january
    assert made.lines(NEXT) == next_lines
    before = list(made.store.events)
    change(made)
    assert made.store.events == before, "a retry changes nothing anywhere"


def test_what_happened_in_the_next_cycle_stands_in_the_way_of_a_late_attach() -> None:
    made = february()
    made.attach("a2", "seat", FEBRUARY)
    with pytest.raises(RuleViolation) as refusal:
        made.attach("a2", "seat", day(22))
    assert refusal.value.code == "already_attached"
    assert made.lines() == {"fee/a1/seat@1": 2900}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda w: w.item("i1", 500, day(31)), id="one that has nothing to do with it"),
        pytest.param(lambda w: w.count("a1", "9", day(31)), id="an earlier quantity"),
    ],
)
def test_a_change_dated_before_the_turn_leaves_what_was_said_of_the_turn_itself(
    change: Any,
) -> None:
    made = february()
    made.count("a1", "4", FEBRUARY)
    change(made)
    assert made.lines(NEXT) == {"fee/a1/seat@1": 4 * 3100}


def test_a_meter_is_not_rated_twice_by_carrying_over() -> None:
    made = world()
    made.price("all", meter="cpu", model="per_unit", unit_amount="1", scope="organization")
    made.service("shared", "all")
    made.travel(FEBRUARY)
    made.advance()
    made.attach("a2", "shared", FEBRUARY)
    with pytest.raises(RuleViolation) as refusal:
        made.attach("a1", "shared", day(22))
    assert refusal.value.code == "meter_already_rated"


def test_a_change_in_the_new_period_opens_its_cycle_before_the_clock_does() -> None:
    made = world()
    made.travel(FEBRUARY + timedelta(minutes=1))
    receipt = made.attach("a1", "seat", FEBRUARY + timedelta(minutes=1))
    assert receipt.cycle == NEXT
    assert made.invoice("acme.2026-01-01").status == "closing"
    assert made.advance().closing == []


def test_an_item_cannot_be_dated_into_a_settled_cycle() -> None:
    made = february()
    made.travel(FEBRUARY + timedelta(days=2))
    made.advance()
    with pytest.raises(RuleViolation) as refusal:
        made.item("i5", 5, day(13))
    assert refusal.value.code == "cycle_settled"


# Items and credits


def test_an_item_is_on_the_invoice_once_even_if_the_retry_comes_after_the_turn() -> None:
    made = world()
    made.item("i1", 500, day(31))
    made.travel(FEBRUARY)
    made.advance()
    again = made.item("i1", 500, FEBRUARY)
    assert (again.cycle, again.effect) == ("acme.2026-01-01", "nothing")
    assert (made.lines(), made.lines(NEXT)) == ({"item/i1": 500}, {})


def test_items_and_credits_have_the_organizations_currency() -> None:
    made = world()
    item = NewItem(item="i1", description="x", amount=100, currency="eur", reason="y")
    credit = NewCredit(credit="k1", amount=100, currency="eur", reason="y")
    for change in (
        lambda: made.adjusting.add_item("acme", item, at=JANUARY, actor=ACTOR),
        lambda: made.adjusting.grant_credit("acme", credit, at=JANUARY, actor=ACTOR),
    ):
        with pytest.raises(RuleViolation):
            change()


@pytest.mark.parametrize("text", ["", "  ", "two\nlines", "nul\0", "x" * 501])
def test_a_description_is_one_line(text: str) -> None:
    item = NewItem(item="i1", description=text, amount=100, currency="usd", reason="y")
    with pytest.raises(InvalidInput) as refusal:
        world().adjusting.add_item("acme", item, at=JANUARY, actor=ACTOR)
    assert refusal.value.context["field"] == "description"


def test_a_credit_is_used_by_the_oldest_invoice_first_and_the_rest_by_the_next() -> None:
    made = february()
    made.credit("k1", 5000)
    assert made.lines()["credit/k1"] == -2900
    assert made.lines(NEXT)["credit/k1"] == -2100
    (view,) = made.holdings.credits("acme")
    assert (view.applied, view.remaining) == (0, 5000)


def test_attachments_tell_every_stretch() -> None:
    made = world()
    made.attach("a1", "seat", JANUARY, "2")
    made.detach("a1", day(5))
    made.attach("a1", "machine", day(9))
    found = [
        (each.service, each.quantity, each.since, each.until)
        for each in made.holdings.attachments("acme")
    ]
    assert found == [
        ("seat", Decimal(2), JANUARY, day(5)),
        ("machine", Decimal(1), day(9), None),
    ]


def test_an_item_sent_again_after_its_invoice_was_issued_is_not_billed_twice() -> None:
    made = world()
    made.item("i1", 500, day(12))
    made.travel(FEBRUARY + timedelta(days=2))
    assert made.advance().issued == ["acme.2026-01-01"]
    again = made.item("i1", 500, FEBRUARY + timedelta(days=1))
    assert (again.cycle, again.effect) == ("acme.2026-01-01", "nothing")
    assert made.lines(NEXT) == {}
    with pytest.raises(RuleViolation):
        made.item("i1", 600, FEBRUARY + timedelta(days=1))
