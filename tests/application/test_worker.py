"""Loops that go on: failures wait and are told, nothing stops but by being asked."""

import logging
import threading
from datetime import timedelta

import pytest

from application.pacing import Lane, current_lane
from application.worker import REFUSALS_MAX, Loop, SyncWorker, every
from domain.errors import (
    GatewayBusy,
    GatewayMisconfigured,
    GatewayRejected,
    GatewayUnavailable,
    NotFound,
    StoreUnavailable,
    UnsafeChangeSet,
)
from tests.memory_queue import MemoryQueue


@pytest.mark.parametrize(
    ("error", "refusals", "told"),
    [
        (None, 0, "c done"),
        (GatewayUnavailable("silence"), 99, "c again: gateway_unavailable: silence"),
        (GatewayUnavailable("away", retry_after_s=60), 99, "c back for 60 s"),
        (GatewayBusy("not now", retry_after_s=2), 99, "c back for 2 s"),
        (GatewayMisconfigured("no key"), 99, "c again: gateway_misconfigured: no key"),
        (UnsafeChangeSet("too much"), 0, "c parked: unsafe_change_set: too much"),
        (NotFound("no such cycle"), 0, "c parked: not_found: no such cycle"),
        (GatewayRejected("no"), 0, "c again and counted: gateway_rejected: no"),
        (GatewayRejected("no"), REFUSALS_MAX - 1, "c parked: gateway_rejected: no"),
        (GatewayRejected("gone", person=True), 0, "c parked: gateway_rejected: gone"),
        (KeyError("bug"), 0, "c again and counted: KeyError: 'bug'"),
        (KeyError("bug"), REFUSALS_MAX - 1, "c parked: KeyError: 'bug'"),
    ],
)
def test_what_becomes_of_a_sync(error: Exception | None, refusals: int, told: str) -> None:
    def sync(cycle: str, actor: str) -> None:
        if error is not None:
            raise error

    queue = MemoryQueue("c", attempts=99, refusals=refusals)
    worker = SyncWorker(queue, sync)
    assert worker.step() == (told.split()[1] != "back")
    assert not worker.step()
    assert queue.told == [told]


def test_while_stripe_is_away_the_queue_is_left_alone() -> None:
    queue, away = MemoryQueue("c"), [True, False]
    worker = SyncWorker(queue, lambda cycle, actor: None, lambda: away.pop(0))
    assert (worker.step(), queue.told) == (False, [])
    assert (worker.step(), queue.told) == (True, ["c done"])


@pytest.mark.parametrize(("high", "lane"), [(True, Lane.HIGH), (False, Lane.NORMAL)])
def test_a_sync_goes_in_the_lane_of_its_claim(high: bool, lane: Lane) -> None:
    seen: list[Lane] = []
    queue = MemoryQueue("c", high=high)
    SyncWorker(queue, lambda cycle, actor: seen.append(current_lane())).step()
    assert (seen, current_lane()) == ([lane], Lane.HIGH)


def test_a_failing_step_is_logged_and_repeated_until_it_works(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stop = threading.Event()
    outcomes = iter([ValueError("one"), ValueError("two"), None])

    def step() -> bool:
        outcome = next(outcomes)
        if outcome is not None:
            raise outcome
        stop.set()
        return False

    loop = Loop("loop", step, every(timedelta()))
    with caplog.at_level(logging.INFO):
        loop.run(stop)
    said = [entry.message for entry in caplog.records]
    assert said == [
        "loop failed, again in 0.2 s: one",
        "loop failed, again in 0.4 s: two",
        "loop works again",
    ]
    assert (loop.health.failures, loop.health.problem, loop.health.steps) == (0, None, 1)


@pytest.mark.parametrize(
    ("error", "last"),
    [(ValueError("odd"), "6.4 s"), (StoreUnavailable("away"), "2 s")],
    ids=["other troubles wait longer and longer", "an outage of the store is never slept through"],
)
def test_pauses_grow(error: Exception, last: str, caplog: pytest.LogCaptureFixture) -> None:
    tries: list[float] = []

    class Told(threading.Event):
        """Is told how long to wait, and does not."""

        def wait(self, timeout: float | None = None) -> bool:
            tries.append(timeout or 0)
            if len(tries) == 6:
                self.set()
            return self.is_set()

    def step() -> bool:
        raise error

    Loop("loop", step, every(timedelta())).run(Told())
    assert tries[:4] == [0.2, 0.4, 0.8, 1.6]
    assert f"loop failed, again in {last}: " in caplog.messages[-1]


def test_a_step_with_more_to_do_is_not_kept_waiting() -> None:
    stop = threading.Event()
    steps = iter([True, True, False])
    idled: list[int] = []

    def idle(event: threading.Event) -> None:
        idled.append(1)
        event.set()

    loop = Loop("loop", lambda: next(steps), idle)
    loop.run(stop)
    assert (loop.health.steps, idled) == (3, [1])
