"""A Stripe subscription ends the cycle: its draft becomes our invoice."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.errors import GatewayUnavailable
from tests.january import FEBRUARY, day
from tests.world import World

JANUARY, NEXT = "acme.2026-01-01", "acme.2026-02-01"
FEE = "fee/a1/base@1"


def subscribed(renews_at: datetime = FEBRUARY) -> World:
    """acme pays 2000 a month to a subscription and a fee of 1000 in arrears to us."""
    world = World()
    policies = {"cycle_driver": "stripe_subscription", "grace_s": 3600, "minimum_invoice": 0}
    world.register(policies=policies)
    world.price("base", model="flat", amount="1000", billing="in_arrears")
    world.service("hosting", "base")
    world.attach("a1", "hosting", world.now)
    customer = world.client.v1.customers.create({"metadata": {"organization": "acme"}})
    with world.books.change("acme", actor="test") as books:
        books.append_organization(books.organization.link_customer(customer.id, world.now))
    item = {
        "price_data": {
            "currency": "usd",
            "product": world.client.v1.products.create({"name": "Plan"}).id,
            "recurring": {"interval": "month"},
            "unit_amount": 2000,
        }
    }
    world.client.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [item],
            "billing_cycle_anchor": int(renews_at.timestamp()),
            "proration_behavior": "none",
        }
    )
    return world


def renewed(world: World, after: timedelta = timedelta(minutes=1)) -> str:
    """Time goes on to the renewal; Stripe's id of the draft it made."""
    world.travel(max(world.now, FEBRUARY) + after)
    listed = world.client.v1.invoices.list({}).data
    (made,) = [each for each in listed if each.billing_reason == "subscription_cycle"]
    return str(made.id)


def at_stripe(world: World, invoice: str) -> dict[str, Any]:
    return dict(world.client.v1.invoices.retrieve(invoice).to_dict())


def lines(world: World, cycle: str = JANUARY) -> dict[str, int]:
    return {each.key: each.amount for each in world.invoices.get(cycle).invoice.lines}


def issue(world: World) -> list[str]:
    world.later(hours=2)
    return world.advance().issued


def test_before_the_renewal_nothing_is_at_stripe() -> None:
    world = subscribed()
    assert world.conflicts.sync(JANUARY, "sync").writes == 0
    assert not world.reconciler.pending(JANUARY)
    assert world.client.v1.invoices.list({}).data == []


def test_the_subscriptions_draft_carries_the_fees_of_both_and_is_issued_by_us() -> None:
    world = subscribed()
    draft = renewed(world)
    assert world.renewals.claim(draft) == JANUARY
    assert at_stripe(world, draft)["auto_advance"] is False
    own = next(key for key in lines(world) if key.startswith("stripe/"))
    assert lines(world) == {FEE: 1000, own: 2000}
    assert world.conflicts.sync(JANUARY, "sync").proof
    assert world.resynced == [JANUARY]
    assert issue(world) == [JANUARY]
    invoice = at_stripe(world, draft)
    assert (invoice["status"], invoice["total"]) == ("open", 3000)
    assert len(world.client.v1.invoices.list({}).data) == 1
    assert world.current().invoice.invoice.cycle == NEXT


def test_a_renewal_within_the_cycle_ends_it_there() -> None:
    world = subscribed(day(21))
    world.travel(day(21) + timedelta(minutes=1))
    (draft,) = world.client.v1.invoices.list({}).data
    assert world.renewals.claim(draft.id) == JANUARY
    invoice = world.invoices.get(JANUARY).invoice
    assert invoice.period.end == day(21)
    assert lines(world)[FEE] == 645, "20 of 31 days"


def test_a_renewal_some_hours_after_our_own_clock_is_of_the_cycle_before() -> None:
    world = subscribed(FEBRUARY + timedelta(hours=9))
    world.travel(FEBRUARY + timedelta(hours=2))
    waiting = world.advance().waiting
    assert [each.code for each in waiting] == ["awaits_subscription"]
    world.travel(FEBRUARY + timedelta(hours=9, minutes=1))
    (draft,) = world.client.v1.invoices.list({}).data
    assert world.renewals.claim(draft.id) == JANUARY
    assert world.advance().issued == [JANUARY]


@pytest.mark.parametrize("skip", range(2))
@pytest.mark.parametrize("fault", ["error_before", "lost_response"])
def test_a_claim_that_breaks_off_is_taken_up_again(fault: str, skip: int) -> None:
    world = subscribed()
    draft = renewed(world)
    method = "GET" if skip else "POST"
    world.sandbox.faults.add(fault, method=method)
    with pytest.raises(GatewayUnavailable):
        world.renewals.claim(draft)
    for _ in range(2):
        assert world.renewals.claim(draft) == JANUARY
    names = world.names(JANUARY)
    assert names.count("DraftAdopted") == 1
    world.conflicts.sync(JANUARY, "sync")
    assert issue(world) == [JANUARY]
    assert at_stripe(world, draft)["total"] == 3000


def test_a_draft_that_stripe_finalized_first_moves_everything_to_the_next_cycle() -> None:
    world = subscribed()
    draft = renewed(world)
    world.client.v1.invoices.finalize_invoice(draft)
    assert world.renewals.claim(draft) == JANUARY
    issue(world)
    assert lines(world) == {FEE: 1000, "carry/out": -1000}
    assert lines(world, NEXT)["carry/in"] == 1000
    state, _ = world.stripe.load(JANUARY)
    assert [each.kind for each in state.discrepancies.values()] == ["missed_draft"]
    assert len(world.client.v1.invoices.list({}).data) == 1


def test_a_subscription_that_makes_no_draft_in_three_days_is_waited_for_no_longer() -> None:
    world = subscribed(day(20) + timedelta(days=60))
    world.travel(FEBRUARY + timedelta(hours=71))
    assert [each.code for each in world.advance().waiting] == ["awaits_subscription"]
    world.travel(FEBRUARY + timedelta(hours=73))
    assert world.advance().issued == [JANUARY]
    (own,) = world.client.v1.invoices.list({}).data
    assert own.total == 1000


def test_what_stripe_changes_of_its_own_lines_follows_without_a_person() -> None:
    world = subscribed()
    draft = renewed(world)
    world.renewals.claim(draft)
    world.conflicts.sync(JANUARY, "sync")
    (own,) = [
        each
        for each in world.sandbox.world.ledger.every("line")
        if not each["metadata"].get("line_key")
    ]
    world.sandbox.dashboard.edit_line(own["id"], amount=1500)
    assert world.conflicts.sync(JANUARY, "sync").proof
    assert sorted(lines(world).values()) == [1000, 1500]


def test_an_invoice_of_somebody_else_is_none_of_ours() -> None:
    world = subscribed()
    with world.books.change("acme", actor="test") as books:
        books.append_organization(books.organization.link_customer("cus_other", world.now))
    assert world.renewals.claim(renewed(world)) is None
