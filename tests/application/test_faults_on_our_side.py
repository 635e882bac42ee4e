"""Wrong keys, mixed modes, customers and currencies that do not fit: told on the invoice and in
the list of failures, with what to do, and gone as soon as it is done."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from application.linking import Linking
from application.worker import SyncWorker
from domain.errors import CyclebookError, GatewayMisconfigured, GatewayRejected
from domain.identity import stripe_stream
from tests.january import day
from tests.memory_queue import MarkedQueue, MemoryQueue
from tests.stripe_memory import CYCLE
from tests.world import ACTOR, World, world


def owing() -> World:
    made = world()
    made.attach("a1", "seat", day(1))
    made.travel(day(5))
    return made


def synced() -> World:
    made = owing()
    made.reconciler.sync(CYCLE, "worker")
    made.item("set-up", 4900, day(5))
    return made


def customer_of(made: World) -> dict[str, Any]:
    every = made.sandbox.world.ledger.every("customer")
    (only,) = [each for each in every if each["metadata"].get("organization") == "acme"]
    return only


def _no_longer_taken(made: World) -> None:
    made.sandbox.faults.add("unauthorized", method="*", times=None)


def _too_narrow(made: World) -> None:
    made.sandbox.faults.add("forbidden", method="*", times=None)


def _deleted(made: World) -> None:
    made.sandbox.dashboard.delete_customer(customer_of(made)["id"])


def _in_euro(made: World) -> None:
    """Somebody else bills the customer, in euro."""
    theirs = made.client.v1.customers.create({}).id
    _link(made, theirs)
    made.client.v1.invoice_items.create({"customer": theirs, "currency": "eur", "amount": 100})


def _link(made: World, customer: str) -> None:
    linking = Linking(made.books, made.gateway, MarkedQueue())
    linking.link("acme", customer, actor=ACTOR, at=made.now)


def _linked_anew(made: World) -> None:
    _link(made, made.client.v1.customers.create({}).id)


def _works_again(made: World) -> None:
    made.sandbox.faults.clear()


@dataclass(frozen=True)
class Fault:
    """What goes wrong, what is said, whether the queue goes on, and what mends it.

    begun: whether there is a draft already.
    """

    happens: Callable[[World], None]
    kind: type[CyclebookError]
    says: str
    queued: str
    mended_by: Callable[[World], None]
    begun: bool = True

    def meets(self) -> World:
        made = synced() if self.begun else owing()
        self.happens(made)
        return made


FAULTS = {
    "a key that Stripe does not take": Fault(
        _no_longer_taken, GatewayMisconfigured, "set STRIPE_API_KEY anew", "again", _works_again
    ),
    "a key that may not do this": Fault(
        _too_narrow, GatewayMisconfigured, "permission it lacks", "again", _works_again
    ),
    "a customer deleted at Stripe": Fault(
        _deleted,
        GatewayRejected,
        "link the organization to another one",
        "parked",
        _linked_anew,
    ),
    "a customer billed in another currency": Fault(
        _in_euro,
        GatewayRejected,
        "link the organization to a customer of its own",
        "parked",
        _linked_anew,
        begun=False,
    ),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_the_error_says_what_to_do_wherever_people_look(fault: Fault) -> None:
    made = fault.meets()
    with pytest.raises(fault.kind, match=fault.says):
        made.reconciler.sync(CYCLE, "worker")
    stripe = made.invoice().stripe
    assert (stripe.state, fault.says in (stripe.problem or "")) == ("failed", True)
    queue = MemoryQueue(CYCLE)
    SyncWorker(queue, made.reconciler.sync).step()
    (told,) = queue.told
    assert told.startswith(f"{CYCLE} {fault.queued}") and fault.says in told


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_once_it_is_mended_the_next_sync_goes_through(fault: Fault) -> None:
    made = fault.meets()
    for _ in range(2):
        with pytest.raises(fault.kind):
            made.reconciler.sync(CYCLE, "worker")
    fault.mended_by(made)
    assert made.reconciler.sync(CYCLE, "worker").proof
    assert (made.invoice().stripe.state, made.invoice().stripe.problem) == ("in_step", None)
    assert made.reconciler.audit(CYCLE) == ()


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_problem_that_stays_is_recorded_once(fault: Fault) -> None:
    made = fault.meets()
    for _ in range(3):
        with pytest.raises(fault.kind):
            made.reconciler.sync(CYCLE, "worker")
    _, version = made.stripe.load(CYCLE)
    with pytest.raises(fault.kind):
        made.reconciler.sync(CYCLE, "worker")
    events = [type(each).__name__ for each in _events(made)[version:]]
    assert "SyncFailed" not in events


def _events(made: World) -> list[object]:
    return [each.event for each in made.store.read(stripe_stream(CYCLE))]
