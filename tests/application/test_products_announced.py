"""What a sync is said to cost under automatic tax, products that have to be made included."""

from collections.abc import Callable

import pytest

from tests.application.taxed import taxed
from tests.january import day
from tests.stripe_memory import CYCLE
from tests.world import World


def writes(made: World) -> list[str]:
    """Paths of what was written to Stripe."""
    calls = made.sandbox.transport.calls
    return [each["path"] for each in calls if each["method"] == "POST"]


def once_synced() -> World:
    made = taxed()
    made.reconciler.sync(CYCLE, "worker")
    return made


def by_the_first_line_of_a_service() -> World:
    made = once_synced()
    made.attach("a3", "host", day(5))
    return made


def by_the_second_line_of_a_service() -> World:
    made = once_synced()
    made.attach("a3", "seat", day(5))
    return made


@pytest.mark.parametrize(
    ("given", "products"),
    [
        pytest.param(taxed, 2, id="the first draft"),
        pytest.param(by_the_first_line_of_a_service, 1, id="a service that is new"),
        pytest.param(by_the_second_line_of_a_service, 0, id="one that is known"),
    ],
)
def test_as_many_calls_are_announced_as_are_made(given: Callable[[], World], products: int) -> None:
    made = given()
    announced, planned = made.reconciler.pending(CYCLE), made.reconciler.plan(CYCLE)
    made.sandbox.transport.calls.clear()

    result = made.reconciler.sync(CYCLE, "worker")

    assert writes(made).count("/v1/products") == str(announced).count("+ product") == products
    assert announced.calls == planned.calls == result.writes == len(writes(made))


def test_a_draft_that_gets_tax_is_planned_with_its_products() -> None:
    made = taxed(automatic_tax=False)
    made.reconciler.sync(CYCLE, "worker")
    made.register(policies={"automatic_tax": True})
    planned = made.reconciler.plan(CYCLE)
    made.sandbox.transport.calls.clear()
    made.reconciler.sync(CYCLE, "worker")
    assert writes(made).count("/v1/products") == 2
    assert planned.calls == len(writes(made)) == 4, "its lines and its terms, too"


def test_what_is_announced_costs_no_call() -> None:
    made = taxed()
    made.sandbox.transport.calls.clear()
    made.reconciler.pending(CYCLE)
    assert not made.sandbox.transport.calls


def test_what_somebody_else_put_into_the_catalogue_is_found_by_a_plan() -> None:
    made = taxed()
    made.client.v1.products.create({"id": "cyclebook_seat", "name": "Seat"})
    announced = made.reconciler.pending(CYCLE).calls
    assert made.reconciler.plan(CYCLE).calls == announced - 1
    assert made.reconciler.pending(CYCLE).calls == announced - 1, "from now on it is known"
