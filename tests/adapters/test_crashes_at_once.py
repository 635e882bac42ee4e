"""Workers at the same work at once, in threads and in processes: each invoice has one writer."""

import os
from collections.abc import Callable
from functools import partial
from threading import Barrier, Thread

import pytest

from domain.errors import CyclebookError
from domain.events.stripe_invoice import CallAbandoned, CallAnswered, CallAttempted
from domain.identity import stripe_stream
from tests.adapters.test_crashes import Place, place
from tests.sync.account import Account, once_only
from tests.sync.scenes import SCENES

DEEP = int(os.environ.get("DEEP_EXAMPLES", "0"))
SEEDS = range(10 if DEEP else 1)
__all__ = ["place"]

OVERTAKEN = {"Busy", "GatewayBusy", "GatewayUnavailable", "ConcurrentChange", "CyclebookError"}
"""What a worker may meet whom another one overtook; the same again does it."""


def one_writer(place: Place, account: Account) -> None:
    """No call went out before the one before it was answered, and none under another's key."""
    for cycle in (account.cycle, account.next):
        open_, keys = None, []
        for recorded in place.world.log.read(stripe_stream(cycle)):
            match recorded.event:
                case CallAttempted(key=key):
                    assert open_ is None, "two workers were writing"
                    open_ = key
                    keys.append(key)
                case CallAnswered(key=key) | CallAbandoned(key=key):
                    assert open_ == key
                    open_ = None
        assert len(keys) == len(set(keys))


def refusals(scene: str) -> set[str]:
    """What whoever comes second may be told. A void invoice cannot be voided once more."""
    return {*OVERTAKEN, "RuleViolation"} if scene == "voided and issued anew" else {*OVERTAKEN}


def must_end_well(place: Place, account: Account, scene: str, about: str) -> None:
    once_only(account.invoices())
    account.patiently(lambda: SCENES[scene].work(account, about))
    SCENES[scene].must_hold(account, about)
    one_writer(place, account)


@pytest.mark.timeout(3600 if DEEP else 300)
@pytest.mark.parametrize("scene", SCENES)
def test_processes_at_the_same_work_do_it_once(place: Place, scene: str) -> None:
    for seed in SEEDS:
        account, about = place.account(scene, seed)
        ended = place.workers.do(*[place.job(scene, account, about)] * 3)
        assert {each.error.split(":")[0] for each in ended} <= refusals(scene) | {""}
        assert {each.code for each in ended} == {0}
        must_end_well(place, account, scene, about)


@pytest.mark.timeout(3600 if DEEP else 300)
@pytest.mark.parametrize("scene", SCENES)
def test_a_process_at_the_work_of_one_that_is_killed_meanwhile(place: Place, scene: str) -> None:
    for seed in SEEDS:
        account, about = place.account(scene, seed)
        job = place.job
        place.workers.do(job(scene, account, about, 5 + seed), job(scene, account, about))
        must_end_well(place, account, scene, about)


@pytest.mark.timeout(3600 if DEEP else 300)
@pytest.mark.parametrize("scene", SCENES)
def test_threads_at_the_same_work_do_it_once(place: Place, scene: str) -> None:
    for seed in SEEDS:
        account, about = place.account(scene, seed)
        met = at_once(3, partial(SCENES[scene].work, account, about))
        assert {type(each).__name__ for each in met} <= refusals(scene)
        must_end_well(place, account, scene, about)


def at_once(threads: int, work: Callable[[], object]) -> list[CyclebookError]:
    """Threads that begin together; what they met."""
    ready, met = Barrier(threads), list[CyclebookError]()

    def run() -> None:
        ready.wait()
        try:
            work()
        except CyclebookError as error:
            met.append(error)

    running = [Thread(target=run) for _ in range(threads)]
    for each in running:
        each.start()
    for each in running:
        each.join()
    return met
