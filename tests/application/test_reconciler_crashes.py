"""A worker may die at any instant, and another may be at it already: nothing is done twice."""

from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest

from application.reconciler import Reconciler
from domain.errors import Busy, Unavailable
from tests.stripe_memory import CYCLE, Billed


class Killed(BaseException):
    """The process is gone."""


class Life:
    """Counts steps, and ends at one of them: just before it, or just after."""

    def __init__(self) -> None:
        self.left: int | None = None

    def step(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def lived(*args: Any, **named: Any) -> Any:
            self._tick()
            result = work(*args, **named)
            self._tick()
            return result

        return lived

    def _tick(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Killed


class Mortal:
    """Something whose calls are steps of a life."""

    def __init__(self, inner: Any, life: Life, *steps: str) -> None:
        self._inner, self._life, self._steps = inner, life, steps

    def __getattr__(self, name: str) -> Any:
        work = getattr(self._inner, name)
        return self._life.step(work) if name in self._steps else work


GATEWAY_STEPS = ("send", "glance", "find", "complete", "note", "notes")


def mortal(amounts: dict[str, int], life: Life, **more: Any) -> Billed:
    return Billed(
        amounts,
        wrap_stream=lambda stream: Mortal(stream, life, "append", "load"),
        wrap_gateway=lambda gateway: Mortal(gateway, life, *GATEWAY_STEPS),
        **more,
    )


def die_at(point: int, life: Life, work: Callable[[], Any]) -> bool:
    """Whether the work died before it was done."""
    life.left = point
    try:
        work()
    except Killed:
        return True
    finally:
        life.left = None
    return False


FIRST = {"a": 1, "b": 2, "c": 3, "d": 4}
THEN = {"b": 20, "c": 3, "d": 40, "e": 5, "f": 6}


@pytest.mark.parametrize("point", range(40))
def test_a_first_sync_killed_at_any_step_ends_with_one_customer_invoice_and_line_each(
    point: int,
) -> None:
    life = Life()
    billed = mortal(FIRST, life, linked=False)
    if not die_at(point, life, lambda: billed.reconciler.sync(CYCLE, "worker")):
        assert point > 10, "the sync ended before it could be killed"
    result = billed.reconciler.sync(CYCLE, "worker")
    assert result.proof and not result.discrepancies
    assert billed.held == FIRST
    assert len(billed.invoices) == len(billed.sandbox.world.ledger.every("customer")) == 1


@pytest.mark.parametrize("point", range(40))
def test_a_sync_that_changes_everything_may_be_killed_at_any_step(point: int) -> None:
    life = Life()
    billed = mortal(FIRST, life)
    billed.reconciler.sync(CYCLE, "worker")
    billed.owes(THEN)
    die_at(point, life, lambda: billed.reconciler.sync(CYCLE, "worker"))
    assert billed.reconciler.sync(CYCLE, "worker").proof
    assert billed.held == THEN


@pytest.mark.parametrize("point", range(50))
def test_finalizing_may_be_killed_at_any_step(point: int) -> None:
    life = Life()
    billed = mortal(FIRST, life)
    die_at(point, life, lambda: billed.reconciler.finalize(CYCLE, "scheduler"))
    result = billed.reconciler.finalize(CYCLE, "scheduler")
    assert result.proof and result.proof.status == "open"
    assert (billed.invoice["status"], billed.held) == ("open", FIRST)
    assert billed.stream.names().count("StripeInvoiceFinalized") == 1


@pytest.mark.parametrize("first", range(0, 24, 2))
@pytest.mark.parametrize("hours", [1, 30], ids=["the same day", "after Stripe forgot"])
def test_a_worker_killed_twice_still_converges(first: int, hours: int) -> None:
    life = Life()
    billed = mortal(FIRST, life)
    for point in (first, first // 2 + 3):
        die_at(point, life, lambda: billed.reconciler.sync(CYCLE, "worker"))
        billed.later(hours=hours)
    assert billed.reconciler.sync(CYCLE, "worker").proof
    assert billed.held == FIRST and len(billed.invoices) == 1


def test_a_worker_that_lost_its_append_stops_before_its_call() -> None:
    billed = Billed(FIRST)
    rival = Billed(FIRST)

    def overtaken(cycle: str, *rest: Any) -> Any:
        if not billed.stream.events:
            billed.stream.events[CYCLE] = list(rival.stream.events[CYCLE])
        return type(billed.stream).append(billed.stream, cycle, *rest)

    rival.reconciler.sync(CYCLE, "rival")
    slow = Mortal(billed.stream, Life())
    slow.append = overtaken
    reconciler = Reconciler(
        billed.gateway,
        slow,
        billed._desired,
        lambda: billed.now,
        on_customer_linked=billed.links.__setitem__,
    )
    with pytest.raises(Busy):
        reconciler.sync(CYCLE, "worker")
    assert billed.writes() == []


def test_workers_racing_over_one_cycle_make_one_invoice() -> None:
    billed = Billed(FIRST)

    def work() -> None:
        for _ in range(30):
            try:
                billed.reconciler.sync(CYCLE, "worker")
                return
            except Unavailable:
                continue

    racers = [Thread(target=work) for _ in range(4)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert billed.reconciler.sync(CYCLE, "worker").proof
    assert billed.held == FIRST and len(billed.invoices) == 1
