"""The worker: follows the log, keeps Stripe in step, and does what is due."""

import logging
import signal
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import FrameType
from typing import Protocol, TypeVar

from api.wiring import Wired, clock
from application.closing_due import ClosingDue
from application.pacing import Lane, in_lane
from application.worker import Duty, Loop, Scheduler, SyncWorker, every

ROLES = ("project", "sync", "schedule")
"""What a worker can do; by default all of it."""

LOOK_FOR_EVENTS_EVERY_S = 0.15
LOOK_FOR_WORK_EVERY = timedelta(milliseconds=500)
CLOSE_EVERY = timedelta(seconds=2)
CHECKPOINT_EVERY = timedelta(seconds=15)
FOLD_EVERY = timedelta(seconds=2)
ASK_DAILY_EVERY = timedelta(minutes=10)
CATCH_UP_EVERY = timedelta(minutes=3)
LOOK_FOR_AUDITS_EVERY = timedelta(seconds=2)
STOP_WITHIN_S = 9.0

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class Work:
    """Threads that run loops until told to stop. One that ends by itself stops them all."""

    def __init__(self, loops: Sequence[Loop]) -> None:
        self.loops = loops
        self.stopping = threading.Event()
        self._broken = False
        self._threads = [
            threading.Thread(target=self._run, args=[loop], name=loop.health.name, daemon=True)
            for loop in loops
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask every loop to finish its step and end."""
        self.stopping.set()

    def join(self, timeout_s: float = STOP_WITHIN_S) -> bool:
        """Wait for the end; whether every loop reached it, because it was asked to."""
        for thread in self._threads:
            thread.join(timeout_s)
        return not self._broken and not any(thread.is_alive() for thread in self._threads)

    def _run(self, loop: Loop) -> None:
        try:
            loop.run(self.stopping)
        finally:
            if not self.stopping.is_set():
                log.critical("%s ended by itself; stopping everything", loop.health.name)
                self._broken = True
                self.stopping.set()


def run(wired: Wired, roles: Collection[str] = ROLES) -> None:
    """Work until SIGTERM or SIGINT; steps under way are finished first.

    Raises:
        SystemExit: a loop ended by itself, or would not end in time.
    """
    work = Work(loops(wired, roles))
    with _stopped_by_signals(work.stopping):
        work.start()
        work.stopping.wait()
        if not work.join():
            raise SystemExit("the worker did not end as it should")


def loops(wired: Wired, roles: Collection[str] = ROLES) -> list[Loop]:
    """The loops of some roles."""
    found: list[Loop] = []
    if "project" in roles:
        growth = wired.log_growth()
        idle = _until_growth(growth)
        found.append(Loop("projector", wired.projector.step, idle, at_end=growth.close))
    if "sync" in roles:
        queue, sync, away = wired.sync_queue, wired.conflicts.sync, wired.stripe_away
        threads = wired.settings.sync_threads
        urgent = SyncWorker(queue, sync, away, high_only=threads > 1)
        workers = [urgent, *(threads - 1) * [SyncWorker(queue, sync, away)]]
        found += [
            Loop(f"sync {number}", worker.step, every(LOOK_FOR_WORK_EVERY))
            for number, worker in enumerate(workers, start=1)
        ]
    if "schedule" in roles:
        scheduler = Scheduler(duties(wired), clock)
        found.append(Loop("scheduler", scheduler.step, every(LOOK_FOR_WORK_EVERY)))
        # By itself: it takes long, and nothing else should wait for it.
        found.append(Loop("audit", lambda: _reconcile(wired), every(LOOK_FOR_AUDITS_EVERY)))
        found.append(Loop("catch-up", lambda: _catch_up(wired), every(CATCH_UP_EVERY)))
    return found


def duties(wired: Wired) -> list[Duty]:
    """What has to be done every so often."""
    closing = ClosingDue(wired.books.due, wired.closing.advance)
    return [
        Duty(name="webhooks", every=timedelta(seconds=1), run=lambda now: _read_mail(wired, now)),
        Duty(name="closing", every=CLOSE_EVERY, run=closing.run),
        Duty(
            name="checkpoints",
            every=CHECKPOINT_EVERY,
            run=lambda now: wired.make_checkpoints() > 0,
        ),
        Duty(
            name="stale tallies",
            every=FOLD_EVERY,
            run=lambda now: wired.fold_stale_tallies() > 0,
        ),
        Duty(name="old answers", every=timedelta(hours=1), run=lambda now: _forget(wired)),
        Duty(name="daily audit", every=ASK_DAILY_EVERY, run=lambda now: _ask_daily(wired, now)),
    ]


def _forget(wired: Wired) -> bool:
    wired.answers.forget_old()
    return False


def _in_no_hurry(work: Callable[[], Answer]) -> Answer:
    with in_lane(Lane.NORMAL):
        return work()


def _read_mail(wired: Wired, now: datetime) -> bool:
    """Handle webhooks; while Stripe is away none could be, and they need not fail for that."""
    return not wired.stripe_away() and _in_no_hurry(lambda: wired.inbox.work(now)) > 0


def _catch_up(wired: Wired) -> bool:
    """Look for what no webhook told."""
    if not wired.stripe_away():
        _in_no_hurry(lambda: wired.catching_up.run(clock()))
    return False


def _reconcile(wired: Wired) -> bool:
    """Carry out the next reconciliation; while Stripe is away it had better wait."""
    return not wired.stripe_away() and _in_no_hurry(wired.reconciliations.step)


def _ask_daily(wired: Wired, now: datetime) -> bool:
    wired.reconciliations.request_daily(now)
    return False


class _Growth(Protocol):
    def wait(self, timeout_s: float) -> bool: ...


def _until_growth(growth: _Growth) -> Callable[[threading.Event], None]:
    """Idle until the log tells of growth, and look anyway after a moment."""

    def idle(stop: threading.Event) -> None:
        if not stop.is_set():
            growth.wait(LOOK_FOR_EVENTS_EVERY_S)

    return idle


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    def caught(_number: int, _frame: FrameType | None) -> None:
        # Not from here: the thread that was interrupted may hold the event's lock.
        threading.Thread(target=stop.set, daemon=True).start()

    before = {each: signal.signal(each, caught) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
