"""Two cycles of an organization that Stripe does not know yet make one customer."""

from datetime import timedelta

import pytest

from domain.errors import GatewayUnavailable
from tests.january import FEBRUARY
from tests.sync.account import Account, publish
from tests.world import World


@pytest.mark.parametrize("hours", [1, 30], ids=["the same day", "after Stripe forgot"])
@pytest.mark.parametrize("fault", ["dropped", "error_kept", "error_after", "lost_response"])
def test_a_customer_asked_for_by_another_cycle_is_found(fault: str, hours: int) -> None:
    world = World()
    publish(world)
    account = Account(world, "acme", seed=1)
    account.begin(grace_s=28 * 86_400)
    world.travel(FEBRUARY + timedelta(hours=1))
    account.advance()
    world.sandbox.faults.add(fault, path="/v1/customers$")
    with pytest.raises(GatewayUnavailable):
        account.sync(account.next)
    world.later(hours=hours)
    for cycle in (account.cycle, account.next):
        account.patiently(lambda: account.sync(cycle))  # noqa: B023
    account.must_agree(account.cycle, account.next)
    assert len(account.customers()) == 1
