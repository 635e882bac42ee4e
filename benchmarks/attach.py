"""Attaching a service to a cycle that is flooded with usage."""

import multiprocessing
import time
from datetime import timedelta
from decimal import Decimal
from multiprocessing.synchronize import Event

from benchmarks.books import ACTOR, NOW, START, Bench, bench
from benchmarks.group_commit import HOT, THREADS, Saturation
from benchmarks.machine import Machine, progress
from benchmarks.report import Finding, number, percentile

PAUSE_S = 0.02


def run(machine: Machine) -> list[Finding]:
    """One process floods the cycle with single records; another attaches and detaches."""
    url, _ = machine.full_database("attach")
    seconds = machine.sizes.seconds * 2
    progress(f"attaching to a flooded cycle for {number(seconds)} s")
    context = multiprocessing.get_context("fork")
    flooding = context.Event()
    flood = context.Process(target=_flood, args=(url, seconds, flooding))
    flood.start()
    flooding.wait()
    with bench(url) as made:
        latencies = _attach(made, seconds * 0.9)
    flood.join()
    return [
        Finding(
            what=f"attach while {THREADS} threads record on the cycle, p99",
            measured=percentile(latencies, 0.99) * 1000,
            unit="ms",
            goal=30,
            at_most=True,
            detail=f"{len(latencies)} attached and detached; "
            f"p50 {number(percentile(latencies, 0.5) * 1000)} ms",
        )
    ]


def _flood(url: str, seconds: float, flooding: Event) -> None:
    with bench(url) as made:
        made.warm([HOT])
        saturation = Saturation(made, seconds, seed=1)
        flooding.set()
        saturation.run()


def _attach(made: Bench, seconds: float) -> list[float]:
    """Seconds that each attach took. Detaching keeps the cycle's attachments few at a time."""
    latencies: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        number = len(latencies)
        name, at = f"m{number}", START + timedelta(hours=1, seconds=number)
        start = time.perf_counter()
        made.attaching.attach(HOT, name, "machine", Decimal(1), at=at, actor=ACTOR)
        latencies.append(time.perf_counter() - start)
        made.attaching.detach(HOT, name, at=NOW, actor=ACTOR)
        time.sleep(PAUSE_S)
    return latencies
