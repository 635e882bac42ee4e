"""Others changed the draft at Stripe, or a plan would do too much: by policy, or for a person."""

from collections.abc import Iterator
from typing import Any

import pytest

from domain.errors import EditedAtStripe, RuleViolation, UnsafeChangeSet
from domain.events.amounts import EditsAdopted
from tests.january import day
from tests.world import World

CYCLE = "acme.2026-01-01"
FEE = "fee/a1/base@1"


def billed(policy: str = "hold") -> World:
    """A fee of 1000 for January, on a draft that was proved."""
    world = World()
    world.register(policies={"stripe_edits": policy})
    world.price("base", model="flat", amount="1000", billing="in_arrears")
    world.service("hosting", "base")
    world.attach("a1", "hosting", world.now)
    world.conflicts.sync(CYCLE, "sync")
    return world


def invoice(world: World) -> dict[str, Any]:
    (only,) = world.sandbox.world.ledger.every("invoice")
    return dict(only)


def at_stripe(world: World) -> dict[str, int]:
    lines = world.sandbox.world.ledger.every("line")
    return {line["metadata"].get("line_key", line["description"]): line["amount"] for line in lines}


def edit(world: World, amount: int = 900, key: str = FEE) -> None:
    lines = world.sandbox.world.ledger.every("line")
    (mine,) = [each for each in lines if each["metadata"].get("line_key") == key]
    world.sandbox.dashboard.edit_line(mine["id"], amount=amount)


def add(world: World, amount: int, text: str = "Goodwill") -> str:
    world.sandbox.dashboard.add_line(invoice(world)["id"], amount=amount, description=text)
    return str(world.sandbox.world.ledger.every("line")[-1]["id"])


def remove(world: World) -> None:
    (line,) = world.sandbox.world.ledger.every("line")
    world.sandbox.dashboard.remove_line(line["id"])


def books(world: World) -> dict[str, int]:
    lines = world.invoices.get(CYCLE).invoice.lines
    return {line.key: line.amount for line in lines}


def held(world: World) -> Any:
    asked = world.books.snapshot("acme", CYCLE).asked
    assert asked is not None
    return asked.cycle.held


EDITS = {
    "a line was changed": edit,
    "a line was taken off": remove,
    "a line was added": lambda world: add(world, -200),
    "the draft was deleted": lambda world: world.sandbox.dashboard.act(
        invoice(world)["id"], "delete"
    ),
}


@pytest.fixture(params=EDITS.items(), ids=EDITS.keys())
def edited(request: pytest.FixtureRequest) -> Iterator[World]:
    world = billed("hold")
    request.param[1](world)
    yield world


# hold


def test_an_edited_draft_is_left_alone_and_the_cycle_held(edited: World) -> None:
    before = at_stripe(edited)
    for _ in range(2):
        with pytest.raises(EditedAtStripe):
            edited.conflicts.sync(CYCLE, "sync")
    assert at_stripe(edited) == before
    assert held(edited).kind == "discrepancy"
    assert edited.stripe.load(CYCLE)[0].problem.code == "edited_at_stripe"


def test_a_held_cycle_is_not_finalized_until_it_is_decided(edited: World) -> None:
    with pytest.raises(EditedAtStripe):
        edited.conflicts.sync(CYCLE, "sync")
    edited.travel(day(40))
    assert [each.code for each in edited.advance().waiting] == ["cycle_held"]
    edited.conflicts.decide(CYCLE, "overwrite", "a mistake", actor="sue")
    edited.conflicts.sync(CYCLE, "sync")
    assert held(edited) is None
    assert edited.advance().issued == [CYCLE]
    assert at_stripe(edited) == {FEE: 1000}


def test_what_a_person_undoes_at_stripe_is_no_conflict_any_more() -> None:
    world = billed()
    edit(world, 900)
    with pytest.raises(EditedAtStripe):
        world.conflicts.sync(CYCLE, "sync")
    edit(world, 1000)
    assert world.conflicts.sync(CYCLE, "sync").proof
    assert held(world) is None


def test_a_decision_is_about_the_edits_it_saw() -> None:
    world = billed()
    edit(world, 900)
    with pytest.raises(EditedAtStripe):
        world.conflicts.sync(CYCLE, "sync")
    world.conflicts.decide(CYCLE, "overwrite", "a mistake", actor="sue")
    edit(world, 800)
    with pytest.raises(EditedAtStripe):
        world.conflicts.sync(CYCLE, "sync")


def test_without_edits_there_is_nothing_to_decide() -> None:
    world = billed()
    with pytest.raises(RuleViolation, match="nobody changed"):
        world.conflicts.decide(CYCLE, "overwrite", "sure", actor="sue")


# overwrite


def test_by_policy_the_draft_is_made_ours_again(edited: World) -> None:
    world = edited
    set_policy(world, "overwrite")
    assert world.conflicts.sync(CYCLE, "sync").proof
    assert at_stripe(world) == books(world) == {FEE: 1000}
    assert held(world) is None


# adopt

ADOPTED = {
    "a changed amount": (edit, {FEE: 1000, f"edited/{FEE}": -100}),
    "a line taken off": (remove, {FEE: 1000, f"edited/{FEE}": -1000}),
}


@pytest.mark.parametrize(("happens", "lines"), ADOPTED.values(), ids=ADOPTED.keys())
def test_by_policy_what_others_changed_is_taken_over(happens: Any, lines: dict[str, int]) -> None:
    world = billed("adopt")
    happens(world)
    assert world.conflicts.sync(CYCLE, "sync").proof
    assert books(world) == at_stripe(world) == lines
    last = world.books.history(CYCLE)[-1]
    assert (last.actor, type(last.event)) == ("Stripe Dashboard", EditsAdopted)


def test_a_line_that_others_added_stays_as_it_is_and_counts() -> None:
    world = billed("adopt")
    line = add(world, -200)
    world.sandbox.transport.calls.clear()
    assert world.conflicts.sync(CYCLE, "sync").writes == 0
    assert books(world) == {FEE: 1000, f"stripe/{line}": -200}
    world.travel(day(40))
    world.advance()
    assert (invoice(world)["status"], invoice(world)["total"]) == ("open", 800)


def test_what_was_taken_over_once_counts_once_and_may_change_again() -> None:
    world = billed("adopt")
    line = add(world, 300)
    edit(world, 1100)
    for _ in range(2):
        world.conflicts.sync(CYCLE, "sync")
    once = {FEE: 1000, f"edited/{FEE}": 100, f"stripe/{line}": 300}
    assert books(world) == once
    world.sandbox.dashboard.remove_line(line)
    world.conflicts.sync(CYCLE, "sync")
    assert books(world) == at_stripe(world) == {FEE: 1000, f"edited/{FEE}": 100}


def test_a_crash_between_the_books_and_the_decision_takes_over_once() -> None:
    world = billed("hold")
    edit(world, 900)
    with pytest.raises(EditedAtStripe):
        world.conflicts.sync(CYCLE, "sync")
    for _ in range(2):  # as if the process died after the first half
        world.conflicts._adopt(CYCLE, world.stripe.load(CYCLE)[0], "agreed by phone", "sue")
    world.conflicts.decide(CYCLE, "adopt", "agreed by phone", actor="sue")
    world.conflicts.sync(CYCLE, "sync")
    assert books(world) == at_stripe(world) == {FEE: 1000, f"edited/{FEE}": -100}


def test_edits_made_at_the_very_end_are_taken_over_before_the_books_are_settled() -> None:
    world = billed("adopt")
    world.travel(day(40))
    edit(world, 700)
    assert world.advance().issued == [CYCLE]
    assert (invoice(world)["status"], invoice(world)["total"]) == ("open", 700)


def test_a_deleted_draft_cannot_be_taken_over_and_waits_for_a_person() -> None:
    world = billed("adopt")
    world.sandbox.dashboard.act(invoice(world)["id"], "delete")
    with pytest.raises(EditedAtStripe):
        world.conflicts.sync(CYCLE, "sync")
    assert held(world) is not None
    with pytest.raises(RuleViolation, match="overwrite makes a new one"):
        world.conflicts.decide(CYCLE, "adopt", "no", actor="sue")


# Plans that refuse themselves


def test_an_unsafe_plan_holds_the_cycle_and_a_yes_releases_it() -> None:
    world = billed()
    world.item("i1", 90_000_000, world.now)
    with pytest.raises(UnsafeChangeSet):
        world.conflicts.sync(CYCLE, "sync")
    assert held(world).kind == "plan"
    assert world.conflicts.sync(CYCLE, "sue", force=True).proof
    assert held(world) is None


# After finalization


def test_what_differs_after_finalization_is_reported_until_somebody_accepts_it() -> None:
    world = billed()
    world.travel(day(40))
    world.advance()
    world.sandbox.dashboard.act(invoice(world)["id"], "void")
    (found,) = world.reconciler.audit(CYCLE)
    assert found.kind == "status"
    world.conflicts.dismiss(CYCLE, found.id, "agreed with the customer", actor="sue")
    assert world.reconciler.audit(CYCLE) == ()
    with pytest.raises(RuleViolation, match="there is no discrepancy"):
        world.conflicts.dismiss(CYCLE, found.id, "again", actor="sue")


def set_policy(world: World, value: str) -> None:
    world.register(policies={"stripe_edits": value})
