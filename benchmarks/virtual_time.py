"""Threads on a clock that moves only while all of them wait: hours of pacing in minutes."""

import heapq
import threading
from collections import deque
from collections.abc import Callable, Sequence
from itertools import count

Place = tuple[int, int, threading.Lock]


class VirtualTime:
    """One thread runs at a time. When it waits, the clock goes on to whoever is due next.

    now: microseconds since 1970.
    """

    def __init__(self, now: int) -> None:
        self.now = now
        self._due: list[Place] = []
        self._numbers = count()
        self._over = threading.Lock()
        self.failure: BaseException | None = None

    def run(self, works: Sequence[Callable[[], None]]) -> None:
        """Carry out all of them, side by side in virtual time.

        Raises:
            BaseException: what the first of them raised.
        """
        self._over.acquire()
        threads = [threading.Thread(target=self._work, args=[self._later(0), w]) for w in works]
        for thread in threads:
            thread.start()
        self._next()
        self._over.acquire()
        self._over.release()
        for thread in threads:
            thread.join()
        if self.failure is not None:
            raise self.failure

    def sleep(self, span: int) -> None:
        """Wait for so many microseconds; the others work meanwhile."""
        if not self._due or self._due[0][0] > self.now + span:
            self.now += span
            return
        self._wait(self._later(span))

    def new_turn(self) -> "VirtualLock":
        """A lock whose waiters let the others work."""
        return VirtualLock(self)

    def park(self, parked: deque[threading.Lock]) -> None:
        """Wait until somebody wakes this thread up."""
        place = threading.Lock()
        place.acquire()
        parked.append(place)
        self._wait(place)

    def wake(self, place: threading.Lock) -> None:
        """Let a parked thread go on, after this one waits itself."""
        heapq.heappush(self._due, (self.now, next(self._numbers), place))

    def _later(self, span: int) -> threading.Lock:
        place = threading.Lock()
        place.acquire()
        heapq.heappush(self._due, (self.now + span, next(self._numbers), place))
        return place

    def _wait(self, place: threading.Lock) -> None:
        self._next()
        place.acquire()

    def _next(self) -> None:
        if self._due:
            at, _, place = heapq.heappop(self._due)
            self.now = max(self.now, at)
            place.release()
        elif self._over.locked():
            self._over.release()

    def _work(self, place: threading.Lock, work: Callable[[], None]) -> None:
        place.acquire()
        try:
            work()
        except BaseException as error:  # told by ``run``; the others have to end, too
            self.failure = self.failure or error
        finally:
            self._next()


class VirtualLock:
    """A lock in virtual time, first come first served. It knows no time-outs."""

    def __init__(self, time: VirtualTime) -> None:
        self._time = time
        self._taken = False
        self._parked: deque[threading.Lock] = deque()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take it, waiting for it."""
        if self._taken:
            self._time.park(self._parked)
        self._taken = True
        return True

    def release(self) -> None:
        """Hand it to whoever waits longest."""
        if self._parked:
            self._time.wake(self._parked.popleft())
        else:
            self._taken = False
