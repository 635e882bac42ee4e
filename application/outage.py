"""The absence of the database, told once for each process: when it begins, and when it is over.

Every loop and every request meets it at once, again and again. Whoever holds the connections says
here how each try went; the log leaves out what others say of it meanwhile (``api/logs.py``).
"""

import logging
import threading
import time
from collections.abc import Callable
from contextvars import Context
from math import inf

SURE_AFTER_S = 1.0
"""A try that began sooner after the beginning of an outage says nothing of its end."""

log = logging.getLogger(__name__)


class Outage:
    """Whether something is away. what: in words. clock: seconds that never go back."""

    def __init__(self, what: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._what = what
        self._clock = clock
        self._lock = threading.Lock()
        self._since: float | None = None
        self._failed = 0

    @property
    def under_way(self) -> bool:
        """Whether it was told of, and is not over."""
        return self._since is not None

    def failed(self, error: BaseException | None = None) -> None:
        """A try did. error: why, where that is known."""
        with self._lock:
            self._failed += 1
            begins = self._since is None
            self._since = self._clock() if begins else self._since
        if begins:
            why = " ".join(str(error or "no reason is known").split())
            _tell(logging.ERROR, "%s does not answer: %s", self._what, why)

    def answered(self, begun: float = inf) -> None:
        """A try went well. begun: when it did, by the monotonic clock.

        One that began with the outage does not end it: a server that stops still answers some.
        """
        since = self._since
        if since is None or begun < since + SURE_AFTER_S:
            return
        with self._lock:
            since, failed = self._since, self._failed
            self._since, self._failed = None, 0
        if since is not None:
            told = "%s answers again after %d s; tries that failed meanwhile: %d"
            _tell(logging.WARNING, told, self._what, round(self._clock() - since), failed)


def _tell(level: int, words: str, *values: object) -> None:
    # Without a context: it is not about the request, or the cycle, that happened to meet it.
    Context().run(log.log, level, words, *values)


STORE = Outage("the database")
"""That of this process."""
