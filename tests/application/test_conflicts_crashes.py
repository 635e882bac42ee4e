"""A worker may die at any step of a decision on edits, or of a claim: all is done once."""

import pytest

from application.conflicts import Conflicts
from application.desired import DesiredState
from application.handling import Handling
from application.inbox import Message
from application.reconciler import Reconciler, random_token
from application.renewals import Renewals
from application.stripe_stream import CustomerLinks
from domain.errors import Busy, CyclebookError
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
from tests.application.test_reconciler_crashes import GATEWAY_STEPS, Life, Mortal, die_at
from tests.application.test_renewals import JANUARY, issue, renewed, subscribed
from tests.application.test_renewals import at_stripe as invoice_at_stripe
from tests.january import day
from tests.world import World


class Parts:
    """The parts of a world, each call of which is a step of a life."""

    def __init__(self, world: World, life: Life) -> None:
        self.books = Mortal(world.books, life, "change", "snapshot")
        self.gateway = Mortal(world.gateway, life, *GATEWAY_STEPS, "renewal")
        self.stripe = Mortal(world.stripe, life, "load", "append")

    def conflicts(self, world: World) -> Conflicts:
        reconciler = Reconciler(
            self.gateway,
            self.stripe,
            DesiredState(world.books, world.store, world.store),
            world.clock,
            on_customer_linked=CustomerLinks(world.books, world.clock),
        )
        return Conflicts(reconciler, self.books, self.stripe, world.clock, world.unparked.append)

    def renewals(self, world: World) -> Renewals:
        resync = world.resynced.append
        return Renewals(self.books, self.gateway, self.stripe, resync, world.clock, random_token)


STEPS = range(0, 60, 2)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("policy", ["overwrite", "adopt"])
def test_edits_are_decided_on_once_wherever_the_worker_dies(policy: str, step: int) -> None:
    world, life = billed(policy), Life()
    line = add(world, 300)
    edit(world, 900)
    dying = Parts(world, life).conflicts(world)
    for later in (0, 3):
        die_at(step // 2 + later, life, lambda: dying.sync(CYCLE, "sync"))
    assert world.conflicts.sync(CYCLE, "sync").proof
    ours = {FEE: 1000}
    theirs = {f"edited/{FEE}": -100, f"stripe/{line}": 300}
    assert books(world) == (ours if policy == "overwrite" else ours | theirs)
    assert sum(at_stripe(world).values()) == sum(books(world).values())
    assert held(world) is None
    world.travel(day(40))
    assert world.advance().issued == [CYCLE]
    assert invoice(world)["total"] == sum(books(world).values())


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("policy", ["hold", "overwrite"])
def test_a_renewal_is_claimed_once_wherever_the_worker_dies(policy: str, step: int) -> None:
    world, life = subscribed(), Life()
    world.register(
        policies={
            "cycle_driver": "stripe_subscription",
            "grace_s": 3600,
            "minimum_invoice": 0,
            "stripe_edits": policy,
        }
    )
    draft = renewed(world)
    dying = Parts(world, life).renewals(world)
    told = Message(id="evt_1", type="invoice.created", object_id=draft, cycle=None)
    for later in (0, 5):
        die_at(step // 2 + later, life, lambda: handle(world, dying, told))
        try:  # a worker comes in between
            world.conflicts.sync(JANUARY, "sync")
        except Busy:
            world.later(minutes=1)
    for _ in range(2):
        handle(world, world.renewals, told)
    world.conflicts.sync(JANUARY, "sync")
    assert world.names(JANUARY).count("DraftAdopted") == 1
    assert issue(world) == [JANUARY]
    assert invoice_at_stripe(world, draft)["total"] == 3000
    assert len(world.client.v1.invoices.list({}).data) == 1
    assert "CycleHeld" not in world.names(JANUARY)


def handle(world: World, renewals: Renewals, told: Message) -> None:
    resync = world.resynced.append
    handling = Handling(world.books, world.gateway, world.stripe, resync, renewals.claim)
    try:
        handling(told, world.now)
    except CyclebookError as waits:  # a call that is not answered: a sync asks for it
        assert isinstance(waits, Busy), waits
        world.later(minutes=1)
