"""What customers see at Stripe: asked for when shown, kept nowhere."""

from typing import Any

import pytest

from application.portal import Portal
from domain.errors import GatewayRejected, GatewayUnavailable, InvalidInput, NotFound, RuleViolation
from domain.identity import organization_stream, stripe_stream
from tests.january import FEBRUARY, day
from tests.memory_queue import MarkedQueue
from tests.stripe_memory import CYCLE
from tests.world import World, world

BACK = "https://app.acme.example/billing"


def portal(made: World, queue: MarkedQueue | None = None) -> Portal:
    return Portal(made.books, made.gateway, made.stripe, queue or MarkedQueue(), made.clock)


def billed() -> World:
    """acme with a draft at Stripe."""
    made = world()
    made.attach("a1", "seat", day(1))
    made.travel(day(5))
    made.reconciler.sync(CYCLE, "worker")
    return made


def issued() -> World:
    made = billed()
    made.travel(FEBRUARY.replace(hour=13))
    made.advance()
    return made


def stored(made: World) -> str:
    streams = organization_stream("acme"), stripe_stream(CYCLE)
    return repr([each.event for stream in streams for each in made.store.read(stream)])


def asked(made: World) -> int:
    return len(made.sandbox.transport.calls)


def test_a_session_is_a_link_that_nobody_keeps() -> None:
    made = billed()
    before = stored(made)
    session = portal(made).open("acme", BACK)
    assert session.url.startswith("https://billing.stripe.com/")
    assert stored(made) == before
    assert portal(made).open("acme", BACK).url != session.url


def test_opening_it_puts_every_unissued_cycle_before_all_others() -> None:
    made, queue = billed(), MarkedQueue()
    made.travel(FEBRUARY.replace(hour=1))
    made.advance()
    portal(made, queue).open("acme", BACK)
    assert queue.marked == [CYCLE, "acme.2026-02-01"]


def test_opening_it_costs_one_call() -> None:
    made = billed()
    before = asked(made)
    portal(made).open("acme", BACK)
    assert asked(made) == before + 1


@pytest.mark.parametrize(
    "url",
    [
        "",
        "app.acme.example",
        "javascript:alert(1)",
        "https://",
        "https://a b",
        "https://[",
        "x" * 9,
    ],
)
def test_a_way_back_that_leads_nowhere_is_refused(url: str) -> None:
    made = billed()
    before = asked(made)
    with pytest.raises(InvalidInput) as refused:
        portal(made).open("acme", url)
    assert (refused.value.context["field"], asked(made)) == ("return_url", before)


def test_before_anything_is_owed_there_is_no_customer_and_no_portal() -> None:
    made = world()
    with pytest.raises(RuleViolation, match="no customer at Stripe yet") as refused:
        portal(made).open("acme", BACK)
    assert refused.value.code == "no_stripe_customer"


def test_an_organization_that_does_not_exist_is_not_found() -> None:
    with pytest.raises(NotFound):
        portal(world()).open("nobody", BACK)


def test_a_customer_deleted_at_stripe_has_no_portal_and_the_error_says_what_to_do() -> None:
    made = billed()
    (customer,) = made.sandbox.world.ledger.every("customer")
    made.client.v1.customers.delete(customer["id"])
    with pytest.raises(GatewayRejected, match="link the organization to another one"):
        portal(made).open("acme", BACK)


def test_a_portal_that_does_not_answer_may_be_asked_again() -> None:
    made = billed()
    made.sandbox.faults.add("dropped", path="/billing_portal")
    with pytest.raises(GatewayUnavailable):
        portal(made).open("acme", BACK)
    assert portal(made).open("acme", BACK).url


# An invoice's pages


def test_the_links_of_an_issued_invoice_are_those_stripe_has_now() -> None:
    made = issued()
    (invoice,) = _every(made)
    made.sandbox.world.ledger.put("invoice", invoice | {"hosted_invoice_url": "https://new"})
    links = portal(made).links(CYCLE)
    assert (links.hosted, links.pdf) == ("https://new", invoice["invoice_pdf"])


def test_reading_the_invoice_does_not_ask_stripe() -> None:
    made = issued()
    before = asked(made)
    made.invoice()
    assert asked(made) == before


@pytest.mark.parametrize("made", [world(), billed()], ids=["nothing there", "a draft"])
def test_what_is_not_issued_has_no_links(made: World) -> None:
    with pytest.raises(NotFound, match="no issued invoice"):
        portal(made).links(CYCLE)


def _every(made: World) -> list[dict[str, Any]]:
    return made.sandbox.world.ledger.every("invoice")
