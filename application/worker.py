"""The work that goes on by itself: loops, and the one that syncs.

Each kind is a step that is repeated. A step that fails is logged, and repeated after a pause
that grows; nothing ends a loop but being told to stop.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from application.about import about, begin
from application.pacing import Lane, in_lane
from application.projector import SyncClaim, SyncQueue
from domain.errors import (
    CyclebookError,
    NotFound,
    StoreUnavailable,
    Unavailable,
    UnsafeChangeSet,
)

SYNC_ACTOR = "sync"
REFUSALS_MAX = 5
"""After so many failures that waiting does not mend, a sync is parked. An outage is none."""

HEARTBEAT_EVERY = timedelta(seconds=20)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(milliseconds=200), timedelta(seconds=30)
STORE_PAUSE = timedelta(seconds=2)
"""Never longer while the database is away, so that all goes on as soon as it is back. It is not
hammered for that: a process tries one connection at a time, however many of its loops ask."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Health:
    """How a loop is doing. failures: in a row. problem: the last one's words, or ``None``."""

    name: str
    steps: int = 0
    failures: int = 0
    problem: str | None = None


class Loop:
    """Repeats a step until told to stop.

    step: does some work; whether there may be more at once. idle: waits when there is none,
    for long or until something may have happened. at_end: lets go of what the loop held. parts:
    how those are doing that the step consists of.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], bool],
        idle: Callable[[threading.Event], None],
        at_end: Callable[[], None] | None = None,
        parts: Sequence[Health] = (),
    ) -> None:
        self.health = Health(name)
        self.parts = parts
        self._trouble: Exception | None = None
        self._at_end = at_end
        self._step = step
        self._idle = idle

    def run(self, stop: threading.Event) -> None:
        """Go on until ``stop`` is set; the step under way is finished first."""
        try:
            self._repeat(stop)
        finally:
            if self._at_end is not None:
                self._at_end()

    def _repeat(self, stop: threading.Event) -> None:
        while not stop.is_set():
            begin()  # what the last step was about, this one is not
            try:
                more = self._once(stop)
            except Exception as error:  # whatever it was, the loop has to live
                pause = self._failed(error)
                stop.wait(pause.total_seconds())
                continue
            self._succeeded()
            if not more:
                self._idle(stop)

    def _once(self, stop: threading.Event) -> bool:
        return self._step()

    def _succeeded(self) -> None:
        if self.health.failures:
            log.info("%s works again", self.health.name, extra={"trouble": self._trouble})
        self.health.steps += 1
        self.health.failures, self.health.problem = 0, None
        self._trouble = None

    def _failed(self, error: Exception) -> timedelta:
        health = self.health
        health.failures += 1
        health.problem, self._trouble = words_of(error), error
        pause = FIRST_PAUSE * (1 << min(health.failures - 1, 10))
        pause = min(pause, longest_pause(error, LONGEST_PAUSE))
        log_failure(health.name, pause, error)
        return pause


def words_of(error: Exception) -> str:
    """What to keep of it: its code, or else its class, and what it says. Never empty.

    >>> words_of(NotFound("no such cycle")), words_of(KeyError("a")), words_of(TimeoutError())
    ('not_found: no such cycle', "KeyError: 'a'", 'TimeoutError')
    """
    code = error.code if isinstance(error, CyclebookError) else type(error).__name__
    return f"{code}: {error}" if str(error) else code


def longest_pause(error: Exception, usually: timedelta) -> timedelta:
    """How long to pause at most after an error, where it is so long after others."""
    return min(STORE_PAUSE, usually) if isinstance(error, StoreUnavailable) else usually


def log_failure(name: str, pause: timedelta, error: Exception) -> None:
    """Tell of a step that failed, and when it is repeated."""
    # A known trouble needs no traceback; anything else is a fault of ours.
    trace = None if isinstance(error, CyclebookError) else error
    seconds = pause.total_seconds()
    said = str(error) or type(error).__name__
    told = {"trouble": error}  # the log knows it, and does not repeat an outage for each loop
    log.error("%s failed, again in %g s: %s", name, seconds, said, exc_info=trace, extra=told)


class Lasting(Loop):
    """Something that goes on by itself until told to stop; begun again where it failed.

    work: does so, and says by calling its second argument that it is under way.
    """

    def __init__(
        self, name: str, work: Callable[[threading.Event, Callable[[], None]], None]
    ) -> None:
        super().__init__(name, lambda: False, lambda stop: None)
        self._work = work

    def _once(self, stop: threading.Event) -> bool:
        self._work(stop, self._succeeded)
        return False


def every(pause: timedelta) -> Callable[[threading.Event], None]:
    """Idle for a fixed time."""

    def idle(stop: threading.Event) -> None:
        stop.wait(pause.total_seconds())

    return idle


class SyncWorker:
    """Takes due cycles from the queue, one at a time, and has them synced.

    sync: makes Stripe agree with the books of a cycle, for an actor. away: whether Stripe is,
    so that the queue may as well be left alone. high_only: takes none that can wait, so that a
    backlog of those leaves a worker free for the others.
    """

    def __init__(
        self,
        queue: SyncQueue,
        sync: Callable[[str, str], object],
        away: Callable[[], bool] = lambda: False,
        *,
        high_only: bool = False,
    ) -> None:
        self._queue = queue
        self._sync = sync
        self._away = away
        self._high_only = high_only

    def step(self) -> bool:
        """Sync the most urgent cycle; whether there was one that could be tried."""
        if self._away():
            return False
        claims = self._queue.claim(1, high_only=self._high_only)
        return any([self._work(claim) for claim in claims])

    def _work(self, claim: SyncClaim) -> bool:
        with about(cycle=claim.cycle):
            return self._try(claim)

    def _try(self, claim: SyncClaim) -> bool:
        try:
            with _kept(self._queue, claim.token), in_lane(_lane(claim)):
                self._sync(claim.cycle, SYNC_ACTOR)
        except NotFound as error:
            log.error("the queue of syncs holds %s: %s", claim.cycle, error)
            self._queue.fail(claim.token, words_of(error), refused=True, park=True)
        except Exception as error:  # its reason is kept with the row; others go on
            if (wait := _told_to_wait(error)) is not None:
                self._queue.give_back(claim.token, wait)
                return False
            self._failed(claim, error)
        else:
            self._queue.done(claim)
        return True

    def _failed(self, claim: SyncClaim, error: Exception) -> None:
        mends = isinstance(error, Unavailable)
        level = logging.WARNING if mends else logging.ERROR
        trace = None if isinstance(error, CyclebookError) else error
        log.log(level, "sync of %s failed: %s", claim.cycle, error, exc_info=trace)
        park = not mends and (_for_a_person(error) or claim.refusals + 1 >= REFUSALS_MAX)
        self._queue.fail(claim.token, words_of(error), refused=not mends, park=park)


def _lane(claim: SyncClaim) -> Lane:
    return Lane.HIGH if claim.high else Lane.NORMAL


def _told_to_wait(error: Exception) -> timedelta | None:
    """For how long, where nothing was tried because Stripe cannot take it now."""
    wait = error.context.get("retry_after_s") if isinstance(error, Unavailable) else None
    return None if wait is None else timedelta(seconds=wait)


def _for_a_person(error: Exception) -> bool:
    """Whether the same again cannot help, but somebody who does something."""
    if isinstance(error, UnsafeChangeSet):
        return True
    return isinstance(error, CyclebookError) and bool(error.context.get("person"))


@contextmanager
def _kept(queue: SyncQueue, token: UUID) -> Iterator[None]:
    """Prolong a lease while the block runs. Losing it costs double work, never a wrong result."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(HEARTBEAT_EVERY.total_seconds()):
            try:
                queue.heartbeat(token)
            except CyclebookError as error:
                log.warning("a lease could not be prolonged: %s", error)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
