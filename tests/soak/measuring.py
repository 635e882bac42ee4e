"""Numbers taken during a soak: memory of each process, and how long requests took."""

import os
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median

from tests.soak.stage import Stage
from tests.soak.traffic import Look

SAMPLE_EVERY_S = 1.0
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
LIVED_SHARE = 0.5
"""Of the time, at least: what a shorter life grows by is its warming up."""
MB = 1_000_000


class Memory(threading.Thread):
    """Looks at the resident memory of our Python processes, again and again."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage
        self._seen: dict[int, list[tuple[float, int]]] = defaultdict(list)
        self._names: dict[int, str] = {}
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(SAMPLE_EVERY_S):
            for pid, line in self._stage.processes().items():
                if "postgres" not in line:
                    self._names[pid] = line.split()[-1]
                    with suppress(OSError):  # it ended meanwhile
                        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
                        self._seen[pid].append((time.monotonic(), int(pages) * PAGE_BYTES))

    def growth(self) -> dict[str, tuple[float, float]]:
        """Megabytes of those that lived long: in their second quarter, and in their last."""
        found = {}
        longest = max(len(each) for each in self._seen.values())
        for pid, seen in self._seen.items():
            if len(seen) >= max(longest * LIVED_SHARE, 8):
                found[f"{self._names[pid]} {pid}"] = _quarters([size for _, size in seen])
        return found


def _quarters(sizes: Sequence[int]) -> tuple[float, float]:
    quarter = len(sizes) // 4
    return median(sizes[quarter : 2 * quarter]) / MB, median(sizes[-quarter:]) / MB


def p99(looks: Sequence[Look], start: float, end: float) -> float:
    """Seconds, of requests that were answered and sent within a time.

    >>> p99([Look(at=1, took=0.5, status=200), Look(at=9, took=7, status=200)], 0, 2)
    0.5
    """
    within = [each for each in looks if start <= each.at < end and each.status in (200, 201)]
    times = sorted(each.took for each in within)
    assert times, "nothing was answered"
    return times[min(len(times) - 1, int(0.99 * len(times)))]
