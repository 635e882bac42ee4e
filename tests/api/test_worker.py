"""The worker: every role runs, ends when asked, and does what it is there for."""

import os
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from api.wiring import Wired
from api.worker import Work, loops, run
from application.adjusting import NewItem
from application.registration import Details
from application.worker import Loop, every
from domain.errors import StoreUnavailable


def wait_until(holds: Callable[[], bool], within_s: int = 15) -> None:
    """Look until it holds."""
    pause = threading.Event()
    for _ in range(within_s * 50):
        if holds():
            return
        pause.wait(0.02)
    raise AssertionError("it never held")


def states(wired: Wired) -> list[str]:
    """How the list says acme's invoices stand at Stripe."""
    return [each.stripe_state for each in wired.cycle_lists.invoices("acme", None, 10)]


def acme_owes_something(wired: Wired) -> None:
    now = datetime.now(UTC)
    details = Details(name="Acme", currency="usd", policies={"sync_interval_s": 1})
    wired.registration.put("acme", details, actor="test", at=now)
    item = NewItem(item="i1", description="Setup", amount=500, currency="usd", reason="agreed")
    wired.changes.adjusting.add_item("acme", item, at=now, actor="test")


def test_what_happens_reaches_stripe_by_itself(wired: Wired) -> None:
    acme_owes_something(wired)
    work = Work(loops(wired))
    work.start()
    try:
        wait_until(lambda: states(wired) == ["in_step"])
        wait_until(lambda: not wired.sync_queue.list())
    finally:
        work.stop()
    assert work.join(10)
    assert [loop.health.problem for loop in work.loops] == [None] * len(work.loops)


def test_it_survives_the_loss_of_every_connection(wired: Wired, database_url: str) -> None:
    acme_owes_something(wired)
    work = Work(loops(wired))
    work.start()
    try:
        wait_until(lambda: states(wired) == ["in_step"])
        first = proof(wired)
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        item = NewItem(item="i2", description="More", amount=1, currency="usd", reason="agreed")
        wait_until(lambda: added(wired, item))
        wait_until(lambda: proof(wired) not in (first, None))
    finally:
        work.stop()
    assert work.join(10)


def added(wired: Wired, item: NewItem) -> bool:
    """Add an item, where the database answers by now."""
    try:
        wired.changes.adjusting.add_item("acme", item, at=datetime.now(UTC), actor="test")
    except StoreUnavailable:
        return False
    return True


def proof(wired: Wired) -> str | None:
    """The digest that was last proved at Stripe."""
    try:
        (cycle,) = wired.books.cycle_names("acme")
        return wired.stripe_stream.load(cycle)[0].proved_digest
    except StoreUnavailable:
        return None


def test_a_signal_ends_it(wired: Wired) -> None:
    threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGTERM]).start()
    run(wired)


@pytest.mark.parametrize(
    ("roles", "names"),
    [
        (["project"], ["projector", "chain"]),
        (["notify"], [*(f"webhooks out {number}" for number in range(1, 5)), "notices"]),
        (["sync"], ["sync 1", "sync 2", "sync 3", "sync 4", "sync 5", "probe"]),
        (["schedule"], ["schedules", "recovery", "scheduler", "audit"]),
    ],
)
def test_a_role_has_its_loops(wired: Wired, roles: list[str], names: list[str]) -> None:
    assert [loop.health.name for loop in loops(wired, roles)] == names


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_loop_that_ends_by_itself_stops_everything_loudly(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def step() -> bool:
        raise SystemExit

    steady = Loop("steady", lambda: False, every(timedelta(milliseconds=10)))
    work = Work([Loop("odd", step, every(timedelta())), steady])
    work.start()
    assert not work.join(5)
    assert "odd ended by itself; stopping everything" in caplog.text


def test_however_many_loops_hang_they_are_waited_for_once() -> None:
    began, released = threading.Barrier(4), threading.Event()

    def hang() -> bool:
        began.wait(60)
        return released.wait(60)

    work = Work([Loop(f"{number}", hang, every(timedelta())) for number in range(3)])
    work.start()
    began.wait(60)
    work.stop()
    seconds = iter([0.0, 601.0, 602.0, 603.0])  # the first took all the time there is
    assert not work.join(600, lambda: next(seconds))
    released.set()
    assert work.join(60)
