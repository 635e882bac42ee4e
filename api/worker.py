"""The worker: follows the log, keeps Stripe in step, and does what is due."""

import logging
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime, timedelta
from types import FrameType
from typing import Protocol, TypeVar
from uuid import UUID, uuid4

from api.metrics import numbers_loop
from api.notifying import notify_loops
from api.scheduled import schedule_loops, telling_loop
from api.tracing import Tracing, tracing
from api.wiring import Wired, clock
from application.closing_due import ClosingDue
from application.duties import Duty, Scheduler
from application.hints import Bell
from application.meters import metered_sync
from application.pacing import Lane, in_lane
from application.worker import Loop, SyncWorker, every

ROLES = ("project", "sync", "schedule", "notify", "intake")
"""What a worker can do; by default all of it. There is no intake without a broker."""

LOOK_FOR_EVENTS_EVERY_S = 0.15
LOOK_FOR_WORK_EVERY = timedelta(milliseconds=500)
LOOK_AFTER_HINTS_EVERY = timedelta(seconds=5)
PROBE_EVERY = timedelta(seconds=2)
LINK_EVERY = timedelta(seconds=1)
CLOSE_EVERY = timedelta(seconds=2)
LOOK_AT_ALERTS_EVERY = timedelta(seconds=10)
FOLD_EVERY = timedelta(seconds=2)
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

    def join(
        self, timeout_s: float = STOP_WITHIN_S, clock: Callable[[], float] = time.monotonic
    ) -> bool:
        """Wait for the end; whether every loop reached it, because it was asked to.

        timeout_s: for all together: whoever stops us does not wait longer because more hang.
        """
        until = clock() + timeout_s
        for thread in self._threads:
            thread.join(max(0, until - clock()))
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
    worker, traces = uuid4(), tracing(wired.settings, "cyclebook-worker")
    found = loops(wired, roles, worker, traces)
    numbers = numbers_loop(wired)
    found += [numbers] if numbers else []
    telling = telling_loop(wired.scheduling.crew, worker, list(roles), found)
    work = Work([*found, telling])
    statements = nullcontext() if traces is None else traces.of_statements()
    with _stopped_by_signals(work.stopping), statements:
        work.start()
        work.stopping.wait()
        if not work.join():
            log.critical("the worker did not end as it should")
            raise SystemExit(1)


def loops(
    wired: Wired,
    roles: Collection[str] = ROLES,
    worker: UUID | None = None,
    traces: Tracing | None = None,
) -> list[Loop]:
    """The loops of some roles. worker: who this is; somebody new if not said."""
    broker = wired.broker
    found: list[Loop] = []
    if "project" in roles:
        growth = wired.log_growth()
        idle = _until_growth(growth)
        found.append(Loop("projector", wired.projector.step, idle, at_end=growth.close))
        found.append(Loop("chain", wired.audit_trail.chain.step, every(LINK_EVERY)))
    if "sync" in roles:
        queue, away, metrics = wired.sync_queue, wired.stripe_away, wired.metrics
        sync: Callable[[str, str], object] = wired.conflicts.sync
        sync = sync if metrics is None else metered_sync(sync, metrics)
        sync = sync if traces is None else traces.of_sync(sync)
        threads = wired.settings.sync_threads
        urgent = SyncWorker(queue, sync, away, high_only=threads > 1)
        workers = [urgent, *(threads - 1) * [SyncWorker(queue, sync, away)]]
        bell = Bell()
        found += [
            Loop(
                f"sync {number}",
                worker.step,
                # The one for urgent syncs always looks by itself: most hints are not for it.
                every(LOOK_FOR_WORK_EVERY) if worker is urgent and threads > 1 else _until(bell),
            )
            for number, worker in enumerate(workers, start=1)
        ]
        found.append(Loop("probe", wired.probing.step, every(PROBE_EVERY)))
        if broker is not None:
            found.append(broker.listening_loop(bell))
    if "schedule" in roles:
        found += schedule_loops(wired, worker or uuid4())
        found.append(_scheduler(duties(wired)))
        # By itself: it takes long, and nothing else should wait for it.
        found.append(Loop("audit", lambda: _reconcile(wired), every(LOOK_FOR_AUDITS_EVERY)))
        if broker is not None:
            found.append(broker.telling_loop())
    if "notify" in roles:
        found += notify_loops(wired)
    if "intake" in roles and broker is not None:
        found += broker.intake_loops()
    return found


def _scheduler(duties: Sequence[Duty]) -> Loop:
    step, parts = Scheduler(duties, clock).step, [each.health for each in duties]
    return Loop("scheduler", step, every(LOOK_FOR_WORK_EVERY), parts=parts)


def duties(wired: Wired) -> list[Duty]:
    """What has to be done within seconds; all else is a schedule (``api/sweeps.py``)."""
    closing = ClosingDue(wired.books.due, wired.closing.advance, wired.settings.sync_threads)
    return [
        Duty(name="webhooks", every=timedelta(seconds=1), run=lambda now: _read_mail(wired, now)),
        Duty(name="closing", every=CLOSE_EVERY, run=closing.run),
        Duty(name="alerts", every=LOOK_AT_ALERTS_EVERY, run=wired.alert_watch.run),
        Duty(
            name="stale tallies",
            every=FOLD_EVERY,
            run=lambda now: wired.fold_stale_tallies() > 0,
        ),
    ]


def _in_no_hurry(work: Callable[[], Answer]) -> Answer:
    with in_lane(Lane.NORMAL):
        return work()


def _read_mail(wired: Wired, now: datetime) -> bool:
    """Handle webhooks; while Stripe is away none could be, and they need not fail for that."""
    return not wired.stripe_away() and _in_no_hurry(lambda: wired.inbox.work(now)) > 0


def _reconcile(wired: Wired) -> bool:
    """Carry out the next reconciliation; while Stripe is away it had better wait."""
    return not wired.stripe_away() and _in_no_hurry(wired.reconciliations.step)


class _Growth(Protocol):
    def wait(self, timeout_s: float) -> bool: ...


def _until_growth(growth: _Growth) -> Callable[[threading.Event], None]:
    """Idle until the log tells of growth, and look anyway after a moment."""

    def idle(stop: threading.Event) -> None:
        if not stop.is_set():
            growth.wait(LOOK_FOR_EVENTS_EVERY_S)

    return idle


def _until(bell: Bell) -> Callable[[threading.Event], None]:
    """Idle until a bell rings, and look anyway after a while: soon where nobody would ring it."""
    heard = bell.rings

    def idle(stop: threading.Event) -> None:
        nonlocal heard
        waited = timedelta()
        while not (stop.is_set() or bell.wait(heard, LOOK_FOR_WORK_EVERY.total_seconds())):
            waited += LOOK_FOR_WORK_EVERY
            if not bell.answered or waited >= LOOK_AFTER_HINTS_EVERY:
                break
        heard = bell.rings

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
