"""Hints that a sync is due: told to other processes, which look sooner. The queue is the truth.

A hint that is lost costs a moment, and one that comes twice costs a look.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

HINTS_MAX = 1_000
"""How many due cycles are looked at, those that are due longest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DueSync:
    """A cycle whose sync is due. high: whether it goes before others."""

    cycle: str
    due_at: datetime
    high: bool


class DueSyncs(Protocol):
    """Which syncs are due."""

    def due(self, limit: int) -> Sequence[DueSync]:
        """Those that nobody has taken, the one that is due longest first."""
        ...


class Messenger(Protocol):
    """Tells other processes."""

    def tell(self, due: Sequence[DueSync]) -> None:
        """Tell of due syncs.

        Raises:
            Unavailable: perhaps nobody heard.
        """
        ...


class Herald:
    """Tells of each sync once when it falls due, be it at once or at its time."""

    def __init__(self, syncs: DueSyncs, messenger: Messenger) -> None:
        self._syncs = syncs
        self._messenger = messenger
        self._told: frozenset[DueSync] = frozenset()

    def step(self) -> bool:
        """Look, and tell what is new; there is never more to do at once.

        Raises:
            Unavailable: what is still due then is told again.
        """
        due = self._syncs.due(HINTS_MAX)
        news = [each for each in due if each not in self._told]
        if news:
            self._messenger.tell(news)
        self._told = frozenset(due)
        return False


class Bell:
    """Wakes the threads of a process that wait for work.

    answered: whether anybody would hear a hint, so that those who wait may look less often.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._waiting = 0
        self.rings = 0
        self.answered = False

    def ring(self) -> None:
        """Wake everybody: at once nobody waits any more."""
        with self._condition:
            self.rings += 1
            self._waiting = 0
            self._condition.notify_all()

    def wait(self, heard: int, timeout_s: float) -> bool:
        """Wait until it has rung more often than ``heard``; whether it has."""
        with self._condition:
            if self.rings > heard:
                return True
            self._waiting += 1
            self._condition.notify_all()
            rung = self._condition.wait_for(lambda: self.rings > heard, timeout_s)
            if not rung:
                self._waiting -= 1
            return rung

    def awaited(self, timeout_s: float) -> bool:
        """Whether anybody waits for it, or begins to within a time."""
        with self._condition:
            return self._condition.wait_for(lambda: self._waiting > 0, timeout_s)
