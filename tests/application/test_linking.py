"""Which customer at Stripe an organization is: made once, linked by hand, left behind."""

from typing import Any

import pytest

from application.linking import Linked, Linking
from domain.errors import CyclebookError, GatewayRejected, GatewayUnavailable, NotFound
from domain.events.organization import StripeCustomerLinked
from domain.identity import organization_stream
from tests.january import day
from tests.memory_queue import MarkedQueue
from tests.stripe_memory import CYCLE, Billed
from tests.world import ACTOR, World, world


def linking(made: World, queue: MarkedQueue | None = None) -> Linking:
    return Linking(made.books, made.gateway, queue or MarkedQueue())


def link(made: World, customer: str, queue: MarkedQueue | None = None) -> Linked:
    return linking(made, queue).link("acme", customer, actor=ACTOR, at=made.now)


def customer(made: World, **fields: Any) -> str:
    return made.client.v1.customers.create(fields or {}).id  # type: ignore[arg-type]


def of_acme(made: World) -> list[str]:
    """The customers that carry acme's id at Stripe."""
    every = made.sandbox.world.ledger.every("customer")
    return [each["id"] for each in every if each["metadata"].get("organization") == "acme"]


def links(made: World) -> list[str]:
    events = (each.event for each in made.store.read(organization_stream("acme")))
    return [each.customer for each in events if isinstance(each, StripeCustomerLinked)]


def owing() -> World:
    made = world()
    made.attach("a1", "seat", day(1))
    made.travel(day(5))
    return made


# By hand


def test_a_customer_that_exists_is_linked_and_carries_our_id() -> None:
    made, queue = owing(), MarkedQueue()
    theirs = customer(made, name="Acme Ltd")
    linked = link(made, theirs, queue)
    assert linked == Linked(organization="acme", customer=theirs)
    assert (links(made), of_acme(made)) == ([theirs], [theirs])
    assert queue.marked == ["acme.2026-01-01"]
    made.reconciler.sync(CYCLE, "worker")
    (invoice,) = made.sandbox.world.ledger.every("invoice")
    assert invoice["customer"] == theirs
    assert of_acme(made) == [theirs]


def test_the_same_link_again_does_nothing() -> None:
    made = owing()
    theirs = customer(made)
    link(made, theirs)
    assert link(made, theirs) == Linked(organization="acme", customer=theirs)
    assert links(made) == [theirs]


@pytest.mark.parametrize(
    ("fields", "code", "says"),
    [
        ({"metadata": {"organization": "globex"}}, "customer_taken", "globex"),
        ({"currency": "eur"}, "currency_mismatch", "billed in eur"),
        ({"deleted": True}, "customer_deleted", "link another one"),
    ],
)
def test_a_customer_that_cannot_be_billed_for_it_is_refused(
    fields: dict[str, Any], code: str, says: str
) -> None:
    made = owing()
    theirs = customer(made, **{k: v for k, v in fields.items() if k == "metadata"})
    if fields.get("deleted"):
        made.client.v1.customers.delete(theirs)
    elif currency := fields.get("currency"):
        held = made.sandbox.world.ledger.get("customer", theirs)
        made.sandbox.world.ledger.put("customer", held | {"currency": currency})
    with pytest.raises(CyclebookError, match=says) as refused:
        link(made, theirs)
    assert refused.value.code == code
    assert links(made) == []


def test_a_customer_that_stripe_does_not_have_is_not_found() -> None:
    made = owing()
    with pytest.raises(NotFound, match="Stripe has no customer cus_nobody"):
        link(made, "cus_nobody")
    assert links(made) == []


def test_an_organization_that_does_not_exist_is_not_found() -> None:
    made = owing()
    with pytest.raises(NotFound):
        linking(made).link("nobody", customer(made), actor=ACTOR, at=made.now)


def test_the_draft_moves_to_the_new_customer_and_what_was_issued_stays() -> None:
    made = owing()
    made.travel(day(32, 13))
    made.advance()  # January is issued
    made.travel(day(35))
    february = "acme.2026-02-01"
    made.reconciler.sync(february, "worker")
    former, theirs = of_acme(made)[0], customer(made)
    assert link(made, theirs).former == former
    made.reconciler.sync(february, "worker")
    held = {
        each["metadata"]["cycle_id"]: each for each in made.sandbox.world.ledger.every("invoice")
    }
    assert (held[CYCLE]["customer"], held[CYCLE]["status"]) == (former, "open")
    assert (held[february]["customer"], held[february]["status"]) == (theirs, "draft")
    assert len(made.sandbox.world.ledger.every("invoice")) == 2
    assert of_acme(made) == [theirs]
    assert made.reconciler.audit(february) == made.reconciler.audit(CYCLE) == ()


def test_a_draft_with_lines_of_others_is_not_deleted_for_a_new_customer() -> None:
    made = owing()
    made.reconciler.sync(CYCLE, "worker")
    (invoice,) = made.sandbox.world.ledger.every("invoice")
    made.sandbox.dashboard.add_line(invoice["id"], 500, "by hand")
    link(made, customer(made))
    with pytest.raises(CyclebookError):
        made.reconciler.sync(CYCLE, "worker")
    assert [each["id"] for each in made.sandbox.world.ledger.every("invoice")] == [invoice["id"]]


def test_a_deleted_customer_is_a_problem_that_a_new_link_mends() -> None:
    made = owing()
    made.reconciler.sync(CYCLE, "worker")
    (former,) = of_acme(made)
    made.client.v1.customers.delete(former)
    made.item("set-up", 4900, day(5))
    with pytest.raises(GatewayRejected, match="link the organization to another one"):
        made.reconciler.sync(CYCLE, "worker")
    assert made.invoice().stripe.state == "failed"
    assert "link the organization to another one" in (made.invoice().stripe.problem or "")
    theirs = customer(made)
    link(made, theirs)
    assert made.reconciler.sync(CYCLE, "worker").proof
    assert made.invoice().stripe.state == "in_step"
    live = [
        each for each in made.sandbox.world.ledger.every("invoice") if each["customer"] == theirs
    ]
    assert len(live) == 1


# Made by us


def test_a_customer_is_made_once_by_two_cycles_at_once() -> None:
    first, second = Billed({"a": 5}, linked=False), "acme.2026-02-01"
    first.reconciler.sync(CYCLE, "worker")
    first.links.clear()  # the other cycle's worker read the organization before
    invoice = first.desired.invoice
    first.owes({"a": 7}, cycle=second, period=invoice.period)
    first.reconciler.sync(second, "worker")
    assert len(first.sandbox.world.ledger.every("customer")) == 1


@pytest.mark.parametrize("fault", ["error_kept", "error_after"])
def test_a_failure_that_stripe_keeps_with_the_key_is_not_met_for_ever(fault: Any) -> None:
    billed = Billed({"a": 5}, linked=False)
    billed.sandbox.faults.add(fault, path="/v1/customers$")
    with pytest.raises(GatewayUnavailable):
        billed.reconciler.sync(CYCLE, "worker")
    for _ in range(2):  # the stored failure first, then the next attempt
        try:
            billed.reconciler.sync(CYCLE, "worker")
        except GatewayUnavailable:
            continue
    assert len(billed.sandbox.world.ledger.every("customer")) == 1
    assert billed.held == {"a": 5}
