"""What a sync costs: counted in calls, however many lines an invoice has."""

import pytest

from tests.stripe_memory import CYCLE, Billed
from tests.sync.account import Account, publish
from tests.sync.scenes import SCENES
from tests.world import World

SIZES = [1, 10, 11, 100, 101, 249, 250]


def lines(count: int, amount: int = 100) -> dict[str, int]:
    return {f"usage/a{number:03}": amount for number in range(count)}


def synced(count: int) -> Billed:
    billed = Billed(lines(count))
    billed.reconciler.sync(CYCLE, "worker")
    billed.forget_calls()
    return billed


@pytest.mark.parametrize("count", SIZES)
def test_a_new_invoice_costs_two_writes(count: int) -> None:
    billed = Billed(lines(count))
    assert billed.reconciler.sync(CYCLE, "worker").writes == 2
    assert billed.writes() == ["invoices", "add_lines"]


@pytest.mark.parametrize("count", SIZES)
def test_a_new_customer_costs_one_more(count: int) -> None:
    billed = Billed(lines(count), linked=False)
    billed.reconciler.sync(CYCLE, "worker")
    assert billed.writes() == ["customers", "invoices", "add_lines"]


@pytest.mark.parametrize("count", SIZES)
def test_finalizing_costs_one_more(count: int) -> None:
    billed = Billed(lines(count))
    assert billed.reconciler.finalize(CYCLE, "scheduler").writes == 3
    assert billed.writes() == ["invoices", "add_lines", "finalize"]


@pytest.mark.parametrize("count", SIZES)
def test_one_that_was_in_step_is_finalized_with_one_write(count: int) -> None:
    billed = synced(count)
    assert billed.reconciler.finalize(CYCLE, "scheduler").writes == 1
    assert billed.writes() == ["finalize"]


@pytest.mark.parametrize("count", SIZES)
def test_a_changed_invoice_costs_one_write(count: int) -> None:
    billed = synced(count)
    billed.owes(lines(count, amount=200))
    assert billed.reconciler.sync(CYCLE, "worker").writes == 1
    assert billed.writes() == ["update_lines"]


@pytest.mark.parametrize("count", SIZES)
def test_one_changed_line_of_many_is_all_that_is_sent(count: int) -> None:
    billed = synced(count)
    billed.owes(lines(count) | {"usage/a000": 300})
    (change,) = billed.reconciler.pending(CYCLE).changes
    assert str(change) == "~ usage/a000  100 → 300"
    assert billed.reconciler.sync(CYCLE, "worker").writes == 1


@pytest.mark.parametrize("count", SIZES)
def test_an_unchanged_invoice_costs_no_write_and_one_read(count: int) -> None:
    billed = synced(count)
    for _ in range(3):
        billed.forget_calls()
        assert billed.reconciler.sync(CYCLE, "worker").writes == 0
        assert (billed.writes(), len(billed.reads())) == ([], 1)


def test_lines_that_change_go_and_come_cost_three_writes_at_most() -> None:
    billed = synced(100)
    kept = dict(list(lines(100, amount=150).items())[10:])
    billed.owes(kept | {f"item/i{number}": 7 for number in range(50)})
    assert billed.reconciler.sync(CYCLE, "worker").writes == 3
    assert billed.writes() == ["remove_lines", "update_lines", "add_lines"]


@pytest.mark.parametrize("seed", range(10))
def test_a_month_costs_what_its_changes_cost(seed: int) -> None:
    """Two writes to begin with, one for each change of amounts, one to finalize."""
    world = World()
    publish(world)
    account = Account(world, "acme", seed)
    scene = SCENES["lines updated"]
    about = scene.begin(account)
    world.sandbox.transport.calls.clear()
    for count in range(8, 12):
        scene.work(account, about)
        scene.work(account, about)
        account.count("s0", count, world.now)
    account.end()
    account.advance()
    writes = [each for each in world.sandbox.transport.calls if each["method"] != "GET"]
    names = [each["path"].split("/")[-1] for each in writes]
    assert names == ["update_lines"] * 5 + ["finalize"]
