"""Why an invoice changed: causes that add up, whatever happened."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.diffing import Diffing, InvoiceDiff
from domain.errors import CyclebookError, InvalidInput, NotFound
from tests.january import FEBRUARY, JANUARY, day
from tests.world import ACTOR, World, january, world

FIRST, SECOND = "acme.2026-01-01", "acme.2026-02-01"


def diffing(made: World) -> Diffing:
    return Diffing(made.store, made.store, made.store, made.store)


def told(diff: InvoiceDiff) -> list[tuple[str, int]]:
    return [(cause.kind, cause.amount) for cause in diff.causes]


def test_usage_is_told_source_by_source_with_its_quantities() -> None:
    made = world()
    made.attach("a1", "machine", day(1))
    made.travel(day(5))
    before = made.now
    made.travel(day(6))
    made.record(
        [
            made.usage("8", day(5), source="fra-7"),
            made.usage("4", day(5), source="fra-7"),
            made.usage("1.5", day(6), source="ams-1"),
        ]
    )
    diff = diffing(made).diff(FIRST, before)
    assert (diff.was, diff.becomes) == (3100, 3161)
    assert told(diff) == [("usage", 8), ("usage", 53)]
    ams, fra = diff.causes
    assert fra.what == "2 usage records from fra-7: cpu (12 hours)"
    assert (fra.count, fra.quantities, len(fra.positions)) == (2, {"cpu": "12"}, 2)
    assert ams.what == "1 usage record from ams-1: cpu (1.5 hours)"


def test_what_people_did_is_told_by_its_events() -> None:
    made = world()
    made.travel(day(5))
    before = made.now
    made.travel(day(6))
    made.attach("a1", "seat", day(1), "2")
    made.count("a1", "1", day(16, 12))
    made.item("i1", 500, day(6))
    made.credit("sorry", 1000)
    made.detach("a1", day(26))
    diff = diffing(made).diff(FIRST, before)
    assert diff.difference == sum(cause.amount for cause in diff.causes)
    assert [(kind, amount) for kind, amount in told(diff)] == [
        ("service_attached", 6200),
        ("attachment_quantity_changed", -1550),
        ("one_off_item_added", 500),
        ("service_detached", -600),
        ("credits", -1000),
    ]
    assert diff.causes[2].what.startswith("One-off item i1 of 5.00 USD added: Set-up")


def test_the_same_instant_changes_nothing_and_before_it_was_opened_there_was_nothing() -> None:
    made = world()
    made.attach("a1", "machine", day(1))
    made.travel(day(5))
    assert told(diffing(made).diff(FIRST, made.now, made.now)) == []
    since = diffing(made).diff(FIRST, JANUARY - timedelta(days=1))
    assert (since.was, since.becomes, told(since)) == (0, 3100, [("service_attached", 3100)])


def test_settling_is_no_cause_and_what_others_used_is() -> None:
    made = world()
    january(made)
    diff = diffing(made).diff(FIRST, day(5))
    kinds = {kind for kind, _ in told(diff)}
    assert "finalization_started" not in kinds
    assert "credits" in kinds
    assert sum(amount for _, amount in told(diff)) == diff.difference


def test_late_facts_of_a_cycle_are_a_cause_of_the_next() -> None:
    made = world()
    made.attach("a1", "machine", day(1))
    made.travel(FEBRUARY + timedelta(days=2))
    assert made.advance().issued == [FIRST]
    before = made.store.events[-1].recorded_at
    made.later(hours=1)
    made.use("10", day(20))
    assert told(diffing(made).diff(SECOND, before)) == [("late", 50)]
    assert told(diffing(made).diff(FIRST, before)) == []


def test_many_causes_are_summed_up() -> None:
    made = world()
    before = made.store.events[-1].recorded_at
    made.travel(day(6))
    for number in range(130):
        made.item(f"i{number}", 10, day(6))
    diff = diffing(made).diff(FIRST, before)
    assert len(diff.causes) == 101
    last = diff.causes[-1]
    assert (last.kind, last.amount, last.count) == ("others", 300, 30)
    assert last.what == "30 events more: 30 one off item added"


def test_refused() -> None:
    made = world()
    with pytest.raises(InvalidInput):
        diffing(made).diff(FIRST, day(2), day(1))
    with pytest.raises(NotFound):
        diffing(made).diff("acme.2031-01-01", day(1))


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(
            ["attach", "detach", "count", "use", "item", "credit", "late", "advance", "waive"]
        ),
        st.integers(0, 40),
        st.integers(1, 9),
    ),
    min_size=3,
    max_size=14,
)


@settings(max_examples=40, deadline=None)
@given(ACTIONS, st.data())
def test_causes_add_up_to_the_difference_whatever_happened(
    actions: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    made = world()
    for number, (what, span, size) in enumerate(actions):
        made.later(hours=span * 2)
        try:
            act(made, what, size, number)
        except CyclebookError:
            continue
    instants = sorted({each.recorded_at for each in made.store.events})
    early = data.draw(st.sampled_from(instants))
    late = data.draw(st.sampled_from([each for each in instants if each >= early]))
    for cycle in made.store.names["acme"]:
        try:
            diff = diffing(made).diff(cycle, early, late)
        except NotFound:
            continue
        assert sum(cause.amount for cause in diff.causes) == diff.difference
        assert all(
            cause.what != "What other cycles of the organization changed" for cause in diff.causes
        )


def act(made: World, what: str, size: int, number: int) -> None:
    now, name = made.now, f"x{size % 3}"
    match what:
        case "attach":
            made.attach(name, "machine" if size % 2 else "seat", now, str(size))
        case "detach":
            made.detach(name, now)
        case "count":
            made.count(name, str(size), now - timedelta(hours=size))
        case "use":
            made.use(str(size * 3), now, name, source=f"s{size % 2}")
        case "late":
            made.use(str(size), max(now - timedelta(days=size * 4), JANUARY), name)
        case "item":
            made.item(f"i{number}", size * 100, now)
        case "credit":
            made.credit(f"k{number}", size * 50)
        case "waive":
            lines = made.lines(made.store.names["acme"][-1])
            made.adjusting.waive(
                made.store.names["acme"][-1],
                next(iter(lines), "none"),
                "sorry",
                at=now,
                actor=ACTOR,
            )
        case "advance":
            made.later(days=size * 3)
            made.advance()
