"""Renewals that break off, come twice, come late, or are not for the cycle one would think."""

from datetime import timedelta
from typing import Any

import pytest

from application.gateway import CreditNote
from application.handling import Handling
from application.inbox import Message
from domain.errors import Busy, EditedAtStripe, NotFound, RuleViolation
from tests.application.test_conflicts import edit
from tests.application.test_renewals import (
    FEE,
    JANUARY,
    NEXT,
    at_stripe,
    issue,
    lines,
    renewed,
    subscribed,
)
from tests.january import FEBRUARY, day
from tests.world import World

POLICIES = {"cycle_driver": "stripe_subscription", "grace_s": 3600, "minimum_invoice": 0}


def claimed() -> tuple[World, str]:
    """January's invoice is the subscription's draft, proved with both fees."""
    world = subscribed()
    draft = renewed(world)
    world.renewals.claim(draft)
    world.conflicts.sync(JANUARY, "sync")
    return world, draft


def own_line(world: World) -> Any:
    """The subscription's own."""
    every = world.sandbox.world.ledger.every("line")
    (own,) = [each for each in every if not each["metadata"].get("line_key")]
    return own


def broken_off(world: World, draft: str) -> None:
    """The draft carries our marks, and the books do not know of it."""
    adopt, world.renewals._adopt = world.renewals._adopt, _die  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        world.renewals.claim(draft)
    world.renewals._adopt = adopt  # type: ignore[method-assign]


def _die(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("policy", ["hold", "overwrite", "adopt"])
def test_a_draft_claimed_by_half_is_left_alone_by_every_policy(policy: str) -> None:
    world = subscribed()
    world.register(policies=POLICIES | {"stripe_edits": policy})
    draft = renewed(world)
    broken_off(world, draft)
    with pytest.raises(Busy, match="is being taken over"):
        world.conflicts.sync(JANUARY, "sync")
    assert at_stripe(world, draft)["total"] == 2000
    assert world.renewals.claim(draft) == JANUARY
    assert issue(world) == [JANUARY]
    assert at_stripe(world, draft)["total"] == 3000


def test_the_message_that_is_handled_again_finishes_a_claim() -> None:
    world = subscribed()
    draft = renewed(world)
    broken_off(world, draft)
    handling = Handling(
        world.books, world.gateway, world.stripe, world.resynced.append, world.renewals.claim
    )
    told = Message(id="evt_1", type="invoice.created", object_id=draft, cycle=None, attempts=1)
    for _ in range(2):
        handling(told, world.now)
    assert world.names(JANUARY).count("DraftAdopted") == 1
    assert issue(world) == [JANUARY]


def test_a_second_subscriptions_draft_is_left_to_stripe() -> None:
    world = subscribed()
    (customer,) = world.client.v1.customers.list({}).data
    price = {
        "currency": "usd",
        "product": world.client.v1.products.create({"name": "Other"}).id,
        "recurring": {"interval": "month"},
        "unit_amount": 700,
    }
    world.client.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price_data": price}],  # type: ignore[typeddict-item]
            "billing_cycle_anchor": int(FEBRUARY.timestamp()),
            "proration_behavior": "none",
        }
    )
    world.travel(FEBRUARY + timedelta(minutes=1))
    first, second = (each.id for each in world.client.v1.invoices.list({}).data)
    assert world.renewals.claim(first) == JANUARY
    with pytest.raises(RuleViolation, match="is on in_"):
        world.renewals.claim(second)
    assert at_stripe(world, second)["auto_advance"] is True
    assert at_stripe(world, second)["metadata"] == {}
    assert issue(world) == [JANUARY]
    assert at_stripe(world, first)["status"] == "open"


def test_a_renewal_ends_the_newest_cycle_that_is_over() -> None:
    world = subscribed()
    world.travel(day(31) + timedelta(hours=12))
    world.ending.bill_now("acme", "moving out", at=world.now, actor="sue")
    assert world.renewals.claim(renewed(world)) == "acme.2026-01-31"


def test_what_came_in_before_we_heard_of_a_renewal_stays_in_its_cycle() -> None:
    world = subscribed(day(21))
    world.travel(day(21) + timedelta(seconds=90))
    world.item("i1", 100, day(21) + timedelta(seconds=10))
    (draft,) = world.client.v1.invoices.list({}).data
    assert world.renewals.claim(draft.id) == JANUARY
    assert world.renewals.claim(draft.id) == JANUARY
    assert world.invoices.get(JANUARY).invoice.period.end == day(21) + timedelta(seconds=11)
    world.conflicts.sync(JANUARY, "sync")
    assert issue(world) == [JANUARY]
    assert at_stripe(world, draft.id)["total"] == 2000 + 645 + 100


def test_a_renewal_told_too_late_does_not_end_the_cycle_that_goes_on() -> None:
    world = subscribed(FEBRUARY + timedelta(hours=9))
    world.travel(FEBRUARY + timedelta(hours=71))
    (draft,) = world.client.v1.invoices.list({}).data
    world.travel(FEBRUARY + timedelta(hours=73))
    assert world.advance().issued == [JANUARY]
    with pytest.raises(NotFound):
        world.renewals.claim(draft.id)
    assert world.current().invoice.invoice.period.start == FEBRUARY
    assert "DraftMissed" not in world.names(NEXT)


def test_a_draft_of_ours_that_others_use_is_not_deleted_for_a_renewal() -> None:
    world = subscribed()
    world.register(policies=POLICIES | {"cycle_driver": "clock"})
    world.conflicts.sync(JANUARY, "sync")
    (mine,) = world.client.v1.invoices.list({}).data
    world.sandbox.dashboard.add_line(mine.id, amount=-200, description="Goodwill")
    world.register(policies=POLICIES)
    draft = renewed(world)
    with pytest.raises(RuleViolation, match="a person has to delete it"):
        world.renewals.claim(draft)
    assert at_stripe(world, mine.id)["total"] == 800
    world.sandbox.dashboard.act(mine.id, "delete")
    assert world.renewals.claim(draft) == JANUARY


def test_a_line_taken_over_before_goes_onto_the_subscriptions_draft() -> None:
    world = subscribed()
    world.register(policies=POLICIES | {"cycle_driver": "clock", "stripe_edits": "adopt"})
    world.conflicts.sync(JANUARY, "sync")
    (mine,) = world.client.v1.invoices.list({}).data
    world.sandbox.dashboard.add_line(mine.id, amount=-200, description="Goodwill")
    world.conflicts.sync(JANUARY, "sync")
    world.register(policies=POLICIES)
    draft = renewed(world)
    world.renewals.claim(draft)
    world.conflicts.sync(JANUARY, "sync")
    assert sorted(lines(world).values()) == [-200, 1000, 2000]
    assert at_stripe(world, draft)["total"] == 2800


def test_what_stripe_changes_of_its_lines_at_the_very_end_follows_too() -> None:
    world, draft = claimed()
    world.sandbox.dashboard.edit_line(own_line(world)["id"], amount=1500)
    assert issue(world) == [JANUARY]
    assert at_stripe(world, draft)["total"] == 2500


def test_an_edit_of_our_line_on_a_subscriptions_draft_goes_by_the_policy() -> None:
    world, _ = claimed()
    edit(world, 900)
    with pytest.raises(EditedAtStripe):
        world.conflicts.sync(JANUARY, "sync")


def test_a_subscriptions_draft_that_comes_to_nothing_is_finalized_and_not_deleted() -> None:
    world = subscribed()
    world.detach("a1", world.now)
    draft = renewed(world)
    world.renewals.claim(draft)
    world.sandbox.dashboard.remove_line(own_line(world)["id"])
    world.conflicts.sync(JANUARY, "sync")
    assert issue(world) == [JANUARY]
    invoice = at_stripe(world, draft)
    assert (invoice["status"], invoice["total"]) == ("paid", 0)


def test_a_reissued_invoice_keeps_the_subscriptions_lines_whatever_is_added() -> None:
    world, _ = claimed()
    assert issue(world) == [JANUARY]
    world.voiding.void(JANUARY, "reissue", "wrong address", actor="sue")
    world.register(policies=POLICIES | {"stripe_edits": "adopt"})
    world.conflicts.sync(JANUARY, "sync")
    (again,) = world.client.v1.invoices.list({"status": "draft"}).data
    assert again.total == 3000
    world.sandbox.dashboard.add_line(again.id, amount=50, description="Stamps")
    assert world.conflicts.sync(JANUARY, "sync").proof
    assert sorted(lines(world).values()) == [50, 1000, 2000]


def test_a_subscriptions_line_can_be_credited() -> None:
    world, draft = claimed()
    assert issue(world) == [JANUARY]
    own = f"stripe/{own_line(world)['id']}"
    note = CreditNote(id="n1", lines={own: 100, FEE: 50}, reason="agreed", reduce_due=150)
    assert world.reconciler.credit_note(JANUARY, note, "sue").total == 150
    assert at_stripe(world, draft)["amount_remaining"] == 2850
