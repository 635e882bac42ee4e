"""Facts dated into issued invoices: billed later, to the cent, exactly once."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from application.correcting import Replacement
from domain.errors import RuleViolation
from tests.january import FEBRUARY, JANUARY, MARCH, day
from tests.world import ACTOR, World, world

FIRST, SECOND, THIRD = "acme.2026-01-01", "acme.2026-02-01", "acme.2026-03-01"
APRIL = datetime.fromisoformat("2026-04-01T00:00:00Z")
CPU, FEE = "usage/a1/cpu@1", "fee/a1/base@1"
GRACE = timedelta(hours=12)


def late(line: str, of: str = "2026-01-01") -> str:
    return f"late/{of}/{line}"


def issued(**policies: object) -> World:
    """January of a machine with 12 hours is issued at 3156; it is the second of February."""
    made = world()
    if policies:
        made.register(policies=policies)
    made.attach("a1", "machine", JANUARY)
    made.travel(day(5))
    made.use("12", day(5))
    made.travel(FEBRUARY + timedelta(days=1))
    assert made.advance().issued == [FIRST]
    return made


def swap(made: World, service: str, at: datetime) -> None:
    made.attaching.swap("acme", "a1", service, at=at, actor=ACTOR)


@pytest.mark.parametrize(
    ("change", "february"),
    [
        pytest.param(
            lambda w: w.detach("a1", day(11)),
            {late(FEE): -2100},
            id="a detach: 1000 - 3100, and nothing in February",
        ),
        pytest.param(
            lambda w: w.attach("a2", "seat", day(22)),
            {FEE: 3100, "fee/a2/seat@1": 3100, late("fee/a2/seat@1"): 1000},
            id="an attach: 3100 × 10 ÷ 31, and it goes on",
        ),
        pytest.param(
            lambda w: swap(w, "seat", day(11)),
            {
                "fee/a1/seat@1": 3100,
                late(FEE): -2100,
                late("fee/a1/seat@1"): 2100,
            },
            id="a swap: 1000 of one and 2100 of the other, usage before it stays",
        ),
        pytest.param(
            lambda w: w.use("3", day(9)),
            {FEE: 3100, late(CPU): 9},
            id="usage beyond the first tier: 3 × 3",
        ),
        pytest.param(
            lambda w: w.correcting.retract("test", "r1", "wrong", actor=ACTOR),
            {FEE: 3100, late(CPU): -56},
            id="a record taken back: all of its 56",
        ),
        pytest.param(
            lambda w: w.correcting.correct(
                "test", "r1", Replacement(value="4"), "misread", actor=ACTOR
            ),
            {FEE: 3100, late(CPU): -36},
            id="a record put right: 4 × 5 - 56",
        ),
    ],
)
def test_what_becomes_known_late_is_on_the_next_invoice(
    change: Callable[[World], object], february: dict[str, int]
) -> None:
    made = issued()
    before = made.invoice().digest
    change(made)
    assert made.lines(SECOND) == february
    assert made.invoice().digest == before, "what is settled never changes"
    made.travel(MARCH + GRACE)
    made.advance()
    carried = {"carry/out": -sum(february.values())} if sum(february.values()) < 0 else {}
    assert made.lines(SECOND) == february | carried
    assert not any(key.startswith("late/") for key in made.lines(THIRD)), "billed exactly once"


def test_a_quantity_dated_back_reaches_the_issued_invoice_and_those_after_it() -> None:
    made = world()
    made.attach("a1", "seat", JANUARY)
    made.travel(FEBRUARY + timedelta(days=1))
    made.advance()
    made.count("a1", "3", day(22))
    assert made.lines(SECOND) == {"fee/a1/seat@1": 9300, late("fee/a1/seat@1"): 2000}


def test_two_cycles_back_every_cycle_owes_its_own_part() -> None:
    """2 seats more from January 22 on: 2000 for January, 6200 for February."""
    made = world()
    made.attach("a1", "seat", JANUARY)
    made.travel(MARCH + timedelta(days=1))
    assert made.advance().issued == [FIRST, SECOND]
    made.count("a1", "3", day(22))
    assert made.lines(THIRD) == {
        "fee/a1/seat@1": 9300,
        late("fee/a1/seat@1"): 2000,
        late("fee/a1/seat@1", "2026-02-01"): 6200,
    }


def test_a_late_correction_of_a_late_fact_is_measured_against_what_was_billed_late() -> None:
    """9 for three late hours on February; taken back in March, 9 come back."""
    made = issued()
    made.use("3", day(9))
    made.travel(MARCH + timedelta(days=1))
    assert made.advance().issued == [SECOND]
    assert made.lines(SECOND)[late(CPU)] == 9
    made.correcting.retract("test", "r2", "never happened", actor=ACTOR)
    assert made.lines(THIRD) == {FEE: 3100, late(CPU): -9}
    made.correcting.revert("test", "r2", "it did", actor=ACTOR)
    assert made.lines(THIRD) == {FEE: 3100}


def test_a_late_line_says_what_it_corrects_and_how_it_came_about() -> None:
    made = issued()
    made.use("3", day(9))
    (line,) = (each for each in made.invoice(SECOND).invoice.lines if each.kind == "late")
    assert line.corrects == f"{FIRST}/{CPU}"
    told = [(charge.what, charge.amount) for charge in line.charges]
    assert told == [("with everything known now", 65), ("as it was settled", -56)]
    found = made.invoices.explain(SECOND, late(CPU))
    assert [each.value for each in found.usage] == ["12", "3"]


def test_a_late_amount_of_a_line_that_somebody_waived_waits_for_a_person() -> None:
    made = world()
    made.attach("a1", "machine", JANUARY)
    made.travel(day(5))
    made.use("12", day(5))
    made.adjusting.waive(FIRST, CPU, "sorry", at=day(5), actor=ACTOR)
    made.travel(FEBRUARY + timedelta(days=1))
    made.advance()
    made.use("3", day(9))
    assert made.lines(SECOND) == {FEE: 3100}, "it is a proposal"
    made.correcting.accept_late(FIRST, CPU, "it is theirs", actor=ACTOR)
    assert made.lines(SECOND) == {FEE: 3100, late(CPU): 9}


def test_a_late_amount_may_be_written_off_and_what_comes_after_it_counts() -> None:
    made = issued()
    made.use("3", day(9))
    made.correcting.write_off_late(FIRST, CPU, "too small", actor=ACTOR)
    assert made.lines(SECOND) == {FEE: 3100}
    made.use("1", day(10))
    assert made.lines(SECOND) == {FEE: 3100, late(CPU): 3}


@pytest.mark.parametrize(
    ("policies", "code"),
    [
        pytest.param({"late_facts": "reject"}, "late_rejected", id="none are taken"),
        pytest.param({"late_limit_cycles": 0}, "too_late", id="not of this cycle any more"),
    ],
)
def test_policies_refuse_late_facts_by_name(policies: dict[str, Any], code: str) -> None:
    made = issued(**policies)
    before = list(made.store.events)
    changes: list[Callable[[], object]] = [
        lambda: made.detach("a1", day(11)),
        lambda: made.attach("a2", "seat", day(11)),
        lambda: made.correcting.retract("test", "r1", "wrong", actor=ACTOR),
    ]
    for change in changes:
        with pytest.raises(RuleViolation) as refusal:
            change()
        assert refusal.value.code == code
    assert made.store.events == before


def test_the_limit_counts_cycles_from_the_newest_one_that_has_begun() -> None:
    made = issued(late_limit_cycles=1)
    made.detach("a1", day(30))
    made.travel(MARCH + timedelta(days=1))
    made.advance()
    with pytest.raises(RuleViolation) as refusal:
        made.attach("a1", "machine", day(30))
    assert refusal.value.code == "too_late"


def test_what_comes_back_is_a_credit_note_where_the_policy_says_so() -> None:
    made = issued(late_facts="credit_note_or_charge")
    made.correcting.correct("test", "r1", Replacement(value="4"), "misread", actor=ACTOR)
    made.attach("a2", "seat", day(22))
    assert late(CPU) not in made.lines(SECOND)
    assert made.lines(SECOND)[late("fee/a2/seat@1")] == 1000, "what is owed is billed"
    assert made.advance().credited == [f"{FIRST}/late-1-1"]
    (note,) = made.store.cycle(FIRST).notes.values()
    assert (note.lines, note.reduce_due) == ({CPU: 36}, 36)
    assert made.advance().credited == []
    assert late(CPU) not in made.lines(SECOND)


def test_a_reissued_invoice_has_everything_known_and_nothing_is_billed_twice() -> None:
    made = issued()
    made.use("3", day(9))
    assert made.lines(SECOND)[late(CPU)] == 9
    made.voiding.void(FIRST, "reissue", "with the late hours", actor=ACTOR)
    assert made.lines() == {FEE: 3100, CPU: 65}
    assert made.lines(SECOND) == {FEE: 3100}
    assert made.advance().issued == [FIRST]
    assert made.invoice().invoice.revision == 2
    made.use("1", day(10))
    assert made.lines(SECOND) == {FEE: 3100, late(CPU): 3}, "measured against what was reissued"


def test_late_amounts_of_a_void_invoice_are_open_again() -> None:
    """February billed 9 of January; void, it gives them back, and its reissue bills them."""
    made = issued()
    made.use("3", day(9))
    made.travel(MARCH + timedelta(days=1))
    assert made.advance().issued == [SECOND]
    made.voiding.void(SECOND, "forgive", "a bad month", actor=ACTOR)
    assert made.lines(THIRD) == {FEE: 3100, late(CPU): 9}


def test_facts_of_a_forgiven_invoice_are_written_off() -> None:
    made = issued()
    made.voiding.void(FIRST, "forgive", "a bad month", actor=ACTOR)
    with pytest.raises(RuleViolation) as refusal:
        made.detach("a1", day(11))
    assert refusal.value.code == "written_off"
    assert made.lines(SECOND) == {FEE: 3100}


def test_a_minimum_once_asked_for_takes_in_what_comes_late() -> None:
    """1000 at least: 500 used and 500 up to it; 300 late are in the 1000 that were paid."""
    made = world()
    made.price("min", meter="cpu", model="per_unit", unit_amount="100", minimum_amount="1000")
    made.service("committed", "min")
    made.attach("a1", "committed", JANUARY)
    made.travel(day(5))
    made.use("5", day(5))
    made.travel(FEBRUARY + timedelta(days=1))
    made.advance()
    assert made.lines() == {"usage/a1/min@1": 500, "minimum/a1/min@1": 500}
    made.use("3", day(9))
    found = made.lines(SECOND)
    assert found[late("usage/a1/min@1")] == 300
    assert found[late("minimum/a1/min@1")] == -300


def test_a_level_reported_late_holds_on_into_settled_cycles_too() -> None:
    """1 cent an hour; 2 from January 11 on are 1008 for January and 1344 for February."""
    made = world()
    terms = {"aggregation": "time_weighted", "unit": "gb", "carry_over": True}
    made.publishing.define_meter("disk", terms, actor=ACTOR, at=made.now)
    hourly = {"divide_by": "3600"}
    made.price("disk", meter="disk", model="per_unit", unit_amount="1", unit_conversion=hourly)
    made.service("store", "disk")
    made.attach("a1", "store", JANUARY)
    made.travel(MARCH + timedelta(days=1))
    assert made.advance().issued == [FIRST, SECOND]
    made.use("2", day(11), meter="disk")
    line = "usage/a1/disk@1"
    assert made.lines(THIRD) == {
        line: 2 * 744,
        late(line): 2 * 504,
        late(line, "2026-02-01"): 2 * 672,
    }
    made.travel(APRIL + timedelta(days=1))
    assert made.advance().issued == [THIRD]
    assert made.lines("acme.2026-04-01") == {line: 2 * 720}
