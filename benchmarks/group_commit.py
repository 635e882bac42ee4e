"""Single usage records from many threads on one hot cycle, against get-and-save."""

import threading
import time
from collections.abc import Sequence
from statistics import median

from benchmarks import naive
from benchmarks.books import ACTOR, NOW, Bench, bench
from benchmarks.machine import Machine, rounds
from benchmarks.report import Finding, number, percentile, ratio
from benchmarks.usage import only, records
from domain.usage import UsageRecord

THREADS = 64
NAIVE_THREADS = 4
HOT = "org-00000"
EACH_A_SECOND = 400
"""Records made beforehand for each thread and second: more than it will send."""


def run(machine: Machine) -> list[Finding]:
    """As many single records as get through in some seconds."""
    url, _ = machine.full_database("group_commit")
    sizes = machine.sizes
    speeds, waits, naive_speeds = [], [], []
    with bench(url) as made:
        made.warm([HOT])
        for seed in rounds(sizes, ["single records, get-and-save"]):
            latencies = Saturation(made, sizes.seconds, seed).run()
            speeds.append(len(latencies) / sizes.seconds)
            waits.append(percentile(latencies, 0.99) * 1000)
            naive_speeds.append(naive.speed(url, NAIVE_THREADS, sizes.naive_events))
    return [
        Finding(
            what=f"single records, {THREADS} threads, 1 cycle",
            measured=ratio(speeds, naive_speeds),
            unit="× get-and-save",
            goal=40,
            detail=f"{number(median(speeds))} records/s to {number(median(naive_speeds))} "
            f"events/s of {NAIVE_THREADS} threads",
        ),
        Finding(
            what="… until durable, p99",
            measured=median(waits),
            unit="ms",
            goal=10,
            at_most=True,
        ),
    ]


class Saturation:
    """Threads that append one record after another to one cycle, for some seconds."""

    def __init__(self, made: Bench, seconds: float, seed: int) -> None:
        self._made = made
        self._seconds = seconds
        self._latencies: list[list[float]] = [[] for _ in range(THREADS)]
        each = max(1, int(EACH_A_SECOND * seconds))
        found = records(each * THREADS, only(HOT), seed)
        self._work = [found[number::THREADS] for number in range(THREADS)]

    def run(self) -> list[float]:
        """Seconds that each append took."""
        until = time.perf_counter() + self._seconds
        threads = [
            threading.Thread(target=self._append, args=(work, until, latencies))
            for work, latencies in zip(self._work, self._latencies, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return [latency for latencies in self._latencies for latency in latencies]

    def _append(self, work: Sequence[UsageRecord], until: float, latencies: list[float]) -> None:
        for record in work:
            start = time.perf_counter()
            if start >= until:
                return
            self._made.usage_log.append([record], actor=ACTOR, now=NOW)
            latencies.append(time.perf_counter() - start)
