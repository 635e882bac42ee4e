"""Others change a draft between two of our steps: nothing is lost, counted twice or overwritten."""

from collections.abc import Callable
from typing import Any

import pytest

from application.gateway import Answer, StripeCall
from domain.errors import EditedAtStripe, GatewayUnavailable, UnsafeChangeSet
from domain.events.stripe_invoice import Discrepancy
from projections.remote_invoice import RemoteInvoice
from tests.application.test_conflicts import (
    CYCLE,
    FEE,
    add,
    at_stripe,
    billed,
    books,
    edit,
    held,
    invoice,
)
from tests.january import day
from tests.world import World

EDITED = f"edited/{FEE}"


def refused(world: World) -> None:
    """A sync that leaves the draft to a person."""
    with pytest.raises(EditedAtStripe):
        world.conflicts.sync(CYCLE, "sync")


def decide(world: World, decision: str) -> None:
    world.conflicts.decide(CYCLE, decision, "agreed by phone", actor="sue")


# Between the first look and the proof


def test_an_edit_between_the_books_and_the_decision_is_taken_over_too() -> None:
    world = billed()
    edit(world, 900)
    refused(world)
    # As if the process died after the first half of the decision.
    world.conflicts._adopt(CYCLE, world.stripe.load(CYCLE)[0], "agreed by phone", "sue")
    edit(world, 800)
    refused(world)
    decide(world, "adopt")
    assert world.conflicts.sync(CYCLE, "sync").proof
    assert books(world) == at_stripe(world) == {FEE: 1000, EDITED: -200}


def test_an_edit_after_a_decision_counts_from_the_last_proof_once() -> None:
    world = billed()
    for amount in (900, 800):
        edit(world, amount)
        refused(world)
        decide(world, "adopt")
    assert world.conflicts.sync(CYCLE, "sync").proof
    assert books(world) == at_stripe(world) == {FEE: 1000, EDITED: -200}
    edit(world, 950)
    refused(world)
    decide(world, "adopt")
    world.conflicts.sync(CYCLE, "sync")
    assert books(world) == at_stripe(world) == {FEE: 1000, EDITED: -250}


def edited_after_each_call(world: World) -> Callable[[StripeCall], Answer]:
    """There is an item to be written, and somebody faster than our read back; as it was before."""
    world.item("i1", 100, world.now)
    send = world.gateway.send

    def sent(call: StripeCall) -> Answer:
        answer = send(call)
        edit(world, 900)
        return answer

    world.gateway.send = sent  # type: ignore[method-assign]
    return send


def edited_while_written(policy: str) -> World:
    """Somebody edits the fee after our call and before we read back what it did."""
    world = billed(policy)
    send = edited_after_each_call(world)
    (found,) = world.reconciler.sync(CYCLE, "sync").discrepancies
    world.gateway.send = send  # type: ignore[method-assign]
    assert str(found) == f"amount {FEE}: ours 1000, Stripe's 900"
    world.item("i2", 100, world.now)
    return world


def test_an_edit_between_our_call_and_its_proof_is_left_alone() -> None:
    world = edited_while_written("hold")
    refused(world)
    assert at_stripe(world) == {FEE: 900, "item/i1": 100}


def test_an_edit_between_our_call_and_its_proof_holds_the_cycle_at_once() -> None:
    world = billed()
    edited_after_each_call(world)
    refused(world)
    assert held(world).kind == "discrepancy"


def test_an_edit_between_our_call_and_its_proof_can_be_taken_over() -> None:
    world = edited_while_written("adopt")
    assert world.conflicts.sync(CYCLE, "sync").proof
    lines = {FEE: 1000, EDITED: -100, "item/i1": 100, "item/i2": 100}
    assert books(world) == at_stripe(world) == lines


def test_an_edit_after_a_proof_that_could_not_be_read_is_left_alone() -> None:
    world = billed()
    world.item("i1", 100, world.now)
    glance = world.gateway.glance
    looks: list[str] = []

    def lost(asked: str) -> RemoteInvoice | None:
        looks.append(asked)
        if len(looks) == 2:
            raise GatewayUnavailable("no answer")
        return glance(asked)

    world.gateway.glance = lost  # type: ignore[method-assign]
    with pytest.raises(GatewayUnavailable):
        world.conflicts.sync(CYCLE, "sync")
    edit(world, 900)
    refused(world)
    world.item("i2", 100, world.now)
    refused(world)
    decide(world, "adopt")
    assert world.conflicts.sync(CYCLE, "sync").proof
    lines = {FEE: 1000, EDITED: -100, "item/i1": 100, "item/i2": 100}
    assert books(world) == at_stripe(world) == lines
    assert held(world) is None


# Before finalization


def test_edits_out_of_a_glances_sight_that_keep_the_total_are_not_finalized() -> None:
    world = billed()
    for n in range(14):
        world.item(f"i{n:02}", 100, world.now)
    world.conflicts.sync(CYCLE, "sync")
    world.travel(day(40))
    inline = world.client.v1.invoices.retrieve(invoice(world)["id"]).lines.data
    seen = {each.id for each in inline}
    lines = world.sandbox.world.ledger.every("line")
    first, second, *_ = (each for each in lines if each["id"] not in seen)
    for line, amount in ((first, 50), (second, 150)):
        world.sandbox.dashboard.edit_line(line["id"], amount=amount)
    assert [each.code for each in world.advance().waiting] == ["edited_at_stripe"]
    assert invoice(world)["status"] == "draft"


def test_an_edit_after_a_refused_finalization_is_left_alone() -> None:
    world = billed()
    world.travel(day(40))
    send = world.gateway.send

    def sent(call: StripeCall) -> Answer:
        if call.endpoint.endswith("/finalize"):
            return Answer(status=400, code="customer_tax_location_invalid", message="no address")
        return send(call)

    world.gateway.send = sent  # type: ignore[method-assign]
    assert world.advance().issued == []
    world.gateway.send = send  # type: ignore[method-assign]
    edit(world, 900)
    assert [each.code for each in world.advance().waiting] == ["edited_at_stripe"]
    assert at_stripe(world) == {FEE: 900}


def test_a_draft_finalized_too_early_and_voided_by_a_person_is_made_again() -> None:
    world = billed()
    world.sandbox.dashboard.act(invoice(world)["id"], "finalize")
    world.item("i1", 100, world.now)
    with pytest.raises(UnsafeChangeSet, match="is open, no longer a draft"):
        world.conflicts.sync(CYCLE, "sync")
    world.sandbox.dashboard.act(invoice(world)["id"], "void")
    refused(world)
    decide(world, "overwrite")
    assert world.conflicts.sync(CYCLE, "sync").proof
    world.travel(day(40))
    assert world.advance().issued == [CYCLE]
    every = world.sandbox.world.ledger.every("invoice")
    assert [(each["status"], each["total"]) for each in every] == [("void", 1000), ("open", 1100)]


def test_what_was_accepted_of_one_revision_is_news_of_the_next() -> None:
    world = billed()
    world.travel(day(40))
    world.advance()
    void = {"key": "", "ours": "issued", "theirs": "void"}
    for _ in range(2):
        (mine,) = world.client.v1.invoices.list({"status": "open"}).data
        world.sandbox.dashboard.act(mine.id, "void")
        assert world.reconciler.audit(CYCLE) == (Discrepancy(kind="status", **void),)
        world.conflicts.dismiss(CYCLE, "status", "agreed", actor="sue")
        world.voiding.void(CYCLE, "reissue", "wrong address", actor="sue")
        assert world.advance().issued == [CYCLE]


def test_one_taken_back_while_the_books_come_to_nothing_is_missed_by_nobody() -> None:
    world = billed()
    world.sandbox.dashboard.act(invoice(world)["id"], "finalize")
    world.credit("k1", 5000)
    world.sandbox.dashboard.act(invoice(world)["id"], "void")
    refused(world)
    decide(world, "overwrite")
    assert world.conflicts.sync(CYCLE, "sync").proof
    assert world.reconciler.audit(CYCLE) == ()


# The hold ends with its reason


def proved_elsewhere(world: World) -> None:
    """The worker died after the proof, before it ended the hold."""
    decide(world, "overwrite")
    world.reconciler.sync(CYCLE, "sync")


def undone_and_audited(world: World) -> None:
    edit(world, 1000)
    assert world.reconciler.audit(CYCLE) == ()


@pytest.mark.parametrize("mended", [proved_elsewhere, undone_and_audited])
def test_a_hold_ends_whoever_proved_the_draft(mended: Callable[[World], None]) -> None:
    world = billed()
    edit(world, 900)
    refused(world)
    mended(world)
    assert held(world)
    world.conflicts.sync(CYCLE, "sync")
    assert held(world) is None


def test_a_hold_of_a_person_is_never_ended_by_a_sync() -> None:
    world = billed()
    world.holding.hold(CYCLE, "look into it", actor="sue", at=world.now)
    edit(world, 900)
    refused(world)
    decide(world, "overwrite")
    assert world.conflicts.sync(CYCLE, "sync").proof
    assert held(world).kind == "person"


def test_a_person_can_take_over_a_hold_that_would_end_by_itself() -> None:
    world = billed()
    edit(world, 900)
    refused(world)
    world.holding.hold(CYCLE, "look into it", actor="sue", at=world.now)
    decide(world, "overwrite")
    assert world.conflicts.sync(CYCLE, "sync").proof
    assert held(world).kind == "person"


# A line of others outlives its draft


def in_the_draft(world: World, key: str) -> Any:
    drafts = [each.id for each in world.client.v1.invoices.list({"status": "draft"}).data]
    lines = world.sandbox.world.ledger.every("line")
    mine = [each for each in lines if each["metadata"].get("line_key") == key]
    (found,) = [each for each in mine if each["invoice"] in drafts]
    return found


def reissued(world: World) -> None:
    world.travel(day(40))
    assert world.advance().issued == [CYCLE]
    world.voiding.void(CYCLE, "reissue", "wrong address", actor="sue")
    world.conflicts.sync(CYCLE, "sync")


def deleted_and_made_again(world: World) -> None:
    world.sandbox.dashboard.act(invoice(world)["id"], "delete")
    refused(world)
    decide(world, "overwrite")
    world.conflicts.sync(CYCLE, "sync")


@pytest.mark.parametrize("goes_on", [reissued, deleted_and_made_again])
def test_a_line_taken_over_goes_to_the_next_draft_and_stays(
    goes_on: Callable[[World], None],
) -> None:
    world = billed("adopt")
    line = add(world, 300)
    world.conflicts.sync(CYCLE, "sync")
    goes_on(world)
    assert books(world) == {FEE: 1000, f"stripe/{line}": 300}
    world.sandbox.dashboard.edit_line(in_the_draft(world, FEE)["id"], amount=900)
    assert world.conflicts.sync(CYCLE, "sync").proof
    assert books(world) == {FEE: 1000, EDITED: -100, f"stripe/{line}": 300}
