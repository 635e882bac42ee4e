"""Hints by RabbitMQ: they wake a worker, and cannot make it do anything twice."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta

import pytest

from adapters.rabbitmq.hints import HintSender
from api.wiring import Wired, clock
from api.worker import Work, loops
from application.hints import Bell, DueSync
from application.worker import Loop
from tests.api.test_worker import acme_owes_something, states, wait_until
from tests.rabbitmq.conftest import Rabbit, broker_of


def hint(cycle: str = "acme.2026-01-01", *, high: bool = False) -> DueSync:
    return DueSync(cycle=cycle, due_at=clock(), high=high)


@contextmanager
def running(*found: Loop) -> Iterator[None]:
    work = Work(found)
    work.start()
    try:
        yield
    finally:
        work.stop()
        assert work.join(10)


def test_the_roles_have_their_loops(wired: Wired) -> None:
    names = {
        role: [each.health.name for each in loops(wired, [role])]
        for role in ("sync", "schedule", "intake")
    }
    assert names["sync"][-1] == "hints heard"
    assert names["schedule"][-1] == "hints"
    assert names["intake"] == ["intake", "intake of dead letters"]


def test_a_hint_wakes_whoever_waits(wired: Wired, rabbit: Rabbit) -> None:
    bell = Bell()
    with running(broker_of(wired).listening_loop(bell)), closing(rabbit.link):
        for high in (False, True):
            heard = bell.rings
            waits = threading.Thread(target=bell.wait, args=(heard, 20))
            waits.start()
            HintSender(rabbit.link, rabbit.names).tell([hint(high=high)])
            waits.join()
            assert bell.rings == heard + 1


def test_hints_are_left_to_others_while_nobody_here_waits(wired: Wired, rabbit: Rabbit) -> None:
    busy, free = Bell(), Bell()
    broker = broker_of(wired)
    with running(broker.listening_loop(busy), broker.listening_loop(free)):
        wait_until(lambda: busy.answered and free.answered)
        HintSender(rabbit.link, rabbit.names).tell([hint(), hint(high=True)])
        assert free.wait(0, 20)
        free.wait(1, 20)
    assert busy.rings == 0


def test_a_sync_that_falls_due_later_is_told_then(wired: Wired, rabbit: Rabbit) -> None:
    wired.sync_queue.mark("acme.2026-01-01", 1, clock() + timedelta(milliseconds=300))
    bell = Bell()
    broker = broker_of(wired)
    with running(broker.telling_loop(), broker.listening_loop(bell)):
        assert bell.wait(0, 20)
    (claim,) = wired.sync_queue.claim()
    assert claim.cycle == "acme.2026-01-01"


def test_a_change_reaches_stripe_by_a_hint(wired: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    """The workers would look by themselves after an hour."""
    monkeypatch.setattr("api.worker.LOOK_AFTER_HINTS_EVERY", timedelta(hours=1))
    work = Work(loops(wired))
    work.start()
    try:
        wait_until(lambda: all(each.health.steps for each in work.loops))
        acme_owes_something(wired)
        wait_until(lambda: states(wired) == ["in_step"])
        wait_until(lambda: not wired.sync_queue.list())
    finally:
        work.stop()
    assert work.join(10)


def test_a_hint_that_comes_often_causes_one_sync(wired: Wired, rabbit: Rabbit) -> None:
    synced: list[str] = []
    bell = Bell()

    def step() -> bool:
        claims = wired.sync_queue.claim()
        for claim in claims:
            synced.append(claim.cycle)
            wired.sync_queue.done(claim)
        return bool(claims)

    workers = [Loop(f"sync {number}", step, waits_for(bell)) for number in range(3)]
    with running(broker_of(wired).listening_loop(bell), *workers):
        wait_until(lambda: bell.awaited(0) and bell.answered)
        wired.sync_queue.mark("acme.2026-01-01", 1, clock())
        HintSender(rabbit.link, rabbit.names).tell([hint() for _ in range(50)])
        wait_until(lambda: bool(synced))
        wait_until(lambda: rabbit.waiting(rabbit.names.normal) == 0)
    assert synced == ["acme.2026-01-01"]


def waits_for(bell: Bell) -> "Waits":
    return Waits(bell)


class Waits:
    """Idles until it rings, however long that takes."""

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self._heard = bell.rings

    def __call__(self, stop: threading.Event) -> None:
        while not stop.is_set() and not self._bell.wait(self._heard, 0.2):
            pass
        self._heard = self._bell.rings
