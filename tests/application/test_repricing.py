"""A wrong price: what another one would have billed, and putting it right once and exactly."""

from datetime import timedelta
from typing import Any

import pytest

from application.changing import Carrying
from application.registration import Details
from application.repricing import Correction, Fate, Repricing
from application.what_if import WhatIf
from domain.errors import InvalidInput, NotFound, RuleViolation
from domain.events.cycle import PriceCorrected
from domain.price import terms_of
from tests.january import FEBRUARY, JANUARY, MARCH, day
from tests.world import ACTOR, World, world

FIRST, SECOND, THIRD = "acme.2026-01-01", "acme.2026-02-01", "acme.2026-03-01"
WRONG = {"model": "per_unit", "unit_amount": "50"}
RIGHT = {"model": "per_unit", "unit_amount": "5"}


def cpu(**terms: Any) -> dict[str, Any]:
    base = {"price": "traffic", "currency": "usd", "kind": "metered", "meter": "traffic"}
    return base | (terms or RIGHT)


def what_if(made: World) -> WhatIf:
    return WhatIf(made.store, made.store, made.store, made.store, made.store)


def repricing(made: World) -> Repricing:
    return Repricing(Carrying(made.store), made.store, made.clock)


def two_months() -> World:
    """traffic was published at ten times its price; January and February are issued."""
    made = world()
    made.meter("traffic")
    made.price("traffic", meter="traffic", **WRONG)
    made.service("link", "base", "traffic")
    made.attach("a1", "link", day(1))
    made.travel(day(6))
    made.use("10", day(5), meter="traffic")
    made.travel(FEBRUARY + timedelta(days=1))
    made.advance()
    made.use("7", FEBRUARY + timedelta(hours=3), meter="traffic")
    made.travel(MARCH + timedelta(days=1))
    made.advance()
    made.use("3", MARCH, meter="traffic")
    return made


def report(made: World, **terms: Any) -> dict[str, int]:
    found = what_if(made)
    rerated = found.organization("acme", found.candidate(cpu(**terms)))
    return {each.cycle: each.difference for each in rerated.cycles if each.difference}


def correction(made: World) -> Correction:
    made.price("traffic", meter="traffic", **RIGHT)
    terms = terms_of(made.store.current().book["traffic@2"])
    return repricing(made).correction(["traffic@1"], "traffic@2", terms, "ten times too much")


def test_history_is_rated_under_another_price_and_nothing_is_written() -> None:
    made = two_months()
    written = len(made.store.events)
    found = what_if(made)
    rerated = found.organization("acme", found.candidate(cpu()))
    assert [(each.cycle, each.now, each.then) for each in rerated.cycles] == [
        (FIRST, 3600, 3150),
        (SECOND, 3450, 3135),
        (THIRD, 3250, 3115),
    ]
    assert (rerated.now, rerated.then, rerated.difference) == (10300, 9400, -900)
    lines = {line.key: line.difference for line in rerated.cycles[0].lines}
    assert lines == {"fee/a1/base@1": 0, "usage/a1/traffic@1": -450}
    assert len(made.store.events) == written


def test_a_candidate_that_prices_single_records_is_rated_from_them() -> None:
    made = two_months()
    each = {"model": "percentage", "rate": "0", "fixed_amount": "30"}
    assert report(made, **each) == {FIRST: 30 - 500, SECOND: 30 - 350, THIRD: 30 - 150}


def test_everybody_is_rated_one_by_one() -> None:
    made = two_months()
    made.registration.put("zeta", Details(name="Zeta", currency="usd"), actor=ACTOR, at=made.now)
    told: list[int] = []
    found = what_if(made)
    rerated = list(found.everybody(found.candidate(cpu()), told.append))
    assert [each.organization for each in rerated] == ["acme", "zeta"]
    assert told == [1, 2]


def test_two_issued_months_are_corrected_by_late_lines_exactly_and_once() -> None:
    made = two_months()
    reported = report(made)
    right = correction(made)
    fixed = repricing(made).apply(right, "acme", reported, actor=ACTOR)
    assert (fixed.fate, fixed.difference) == (Fate.APPLIED, -900)
    late = {key: amount for key, amount in made.lines(THIRD).items() if key.startswith("late/")}
    assert late == {
        "late/2026-01-01/usage/a1/traffic@1": -500,
        "late/2026-01-01/usage/a1/traffic@2": 50,
        "late/2026-02-01/usage/a1/traffic@1": -350,
        "late/2026-02-01/usage/a1/traffic@2": 35,
    }
    assert made.lines(THIRD)["usage/a1/traffic@2"] == 15
    again = repricing(made).apply(right, "acme", reported, actor=ACTOR)
    assert again.fate is Fate.NOTHING
    made.travel(MARCH + timedelta(days=33))
    assert THIRD in made.advance().issued
    assert sum(made.lines(THIRD).values()) == 3115 - 450 - 315
    fourth = made.lines("acme.2026-04-01")
    assert not any(key.startswith("late/") for key in fourth)
    assert made.names(FIRST).count(PriceCorrected.__name__) == 1


def test_a_situation_that_changed_is_left_alone() -> None:
    made = two_months()
    reported = report(made)
    right = correction(made)
    made.use("100", MARCH, meter="traffic")
    written = len(made.store.events)
    fixed = repricing(made).apply(right, "acme", reported, actor=ACTOR)
    assert (fixed.fate, len(made.store.events)) == (Fate.SKIPPED, written)
    assert "situation_changed" in fixed.detail


def test_a_forgiven_invoice_is_not_billed_again_and_breaks_nothing() -> None:
    made = two_months()
    made.voiding.void(SECOND, "forgive", "sorry", actor=ACTOR)
    reported = report(made)
    assert reported == {FIRST: -450, THIRD: -135}
    fixed = repricing(made).apply(correction(made), "acme", reported, actor=ACTOR)
    assert (fixed.fate, fixed.detail) == (Fate.APPLIED, "")
    lines = made.lines(THIRD)
    assert (lines["usage/a1/traffic@2"], lines["fee/a1/base@1"]) == (15, 3100)
    assert not any(key.startswith("late/2026-02") for key in lines)
    assert "ServiceDetached" not in made.names(THIRD)


def test_policies_that_take_no_late_facts_are_kept() -> None:
    made = two_months()
    reported = report(made)
    right = correction(made)
    made.register(policies={"late_facts": "reject"})
    fixed = repricing(made).apply(right, "acme", reported, actor=ACTOR)
    assert fixed.fate is Fate.FAILED
    assert fixed.detail.startswith("late_rejected")


def test_what_is_attached_moves_to_the_newest_version() -> None:
    made = two_months()
    made.price("traffic", meter="traffic", **RIGHT)
    at = made.now
    made.use("4", made.now, meter="traffic")
    assert repricing(made).move("traffic", "acme", at=at, actor=ACTOR).fate is Fate.APPLIED
    assert repricing(made).move("traffic", "acme", at=at, actor=ACTOR).fate is Fate.NOTHING
    lines = made.lines(THIRD)
    assert (lines["usage/a1/traffic@1"], lines["usage/a1/traffic@2"]) == (150, 20)


@pytest.mark.parametrize(
    ("terms", "error"),
    [
        pytest.param({"meter": "cpu", **RIGHT}, InvalidInput, id="of another meter"),
        pytest.param({"currency": "eur", **RIGHT}, NotFound, id="in another currency"),
        pytest.param({"price": "nothing", **RIGHT}, NotFound, id="of a price nobody published"),
        pytest.param({"model": "per_unit"}, InvalidInput, id="without an amount"),
    ],
)
def test_a_candidate_has_to_stand_for_something(
    terms: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        what_if(two_months()).candidate(cpu(**terms))


def test_what_was_reported_on_has_to_be_published() -> None:
    made = two_months()
    with pytest.raises(NotFound):
        repricing(made).correction(["traffic@1"], "traffic@2", cpu(), "wrong")
    made.price("traffic", meter="traffic", model="per_unit", unit_amount="6")
    terms = terms_of(made.store.current().book["traffic@1"])
    with pytest.raises(RuleViolation):
        repricing(made).correction(["traffic@1"], "traffic@2", terms, "wrong")


def test_a_move_gives_back_what_is_left_of_a_fee_billed_ahead() -> None:
    made = world(JANUARY)
    made.price("pre", model="flat", amount="9000", billing="in_advance")
    made.service("pre", "pre")
    made.attach("a1", "pre", JANUARY)
    at = FEBRUARY + timedelta(days=14)
    made.travel(at)
    made.advance()
    assert made.lines(FIRST) == {"fee/a1/pre@1": 9000, "coming/a1/pre@1": 9000}
    made.price("pre", model="flat", amount="900", billing="in_advance")
    assert repricing(made).move("pre", "acme", at=at, actor=ACTOR).fate is Fate.APPLIED
    assert made.lines(SECOND) == {
        "unused/a1/pre@1": -4500,
        "fee/a1/pre@2": 450,
        "coming/a1/pre@2": 900,
    }


def test_fees_billed_ahead_are_not_corrected_this_way() -> None:
    made = world(JANUARY)
    made.price("pre", model="flat", amount="900", billing="in_advance")
    made.price("pre", model="flat", amount="90", billing="in_advance")
    terms = terms_of(made.store.current().book["pre@2"])
    with pytest.raises(InvalidInput, match="billed ahead"):
        repricing(made).correction(["pre@1"], "pre@2", terms, "wrong")
