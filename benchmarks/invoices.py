"""Reading invoices through HTTP: however much usage there is, and as they were at an instant."""

import time
from collections.abc import Callable
from datetime import timedelta
from statistics import median
from urllib.parse import quote

import msgspec

from benchmarks.books import START, Bench, bench
from benchmarks.long_cycle import fill
from benchmarks.machine import Machine, progress
from benchmarks.report import Finding, number, percentile
from benchmarks.service import Client, service

FEW = 1_000
PER_EVENT = {"of 1,000": 1_000, "of 100": 100, "single": 1}
WARMED = 10
AS_OF_ASKED = 9
MIDDLE = START + timedelta(days=10, hours=7, minutes=3)


def run(machine: Machine) -> list[Finding]:
    """One cycle with a little usage, and one with very much of it for each way it came in."""
    url, names = machine.full_database("invoices")
    few, *many = names[: 1 + len(PER_EVENT)]
    count = machine.sizes.hot
    with bench(url) as made:
        fill(made, few, min(FEW, count), 100)
        for (kind, each), name in zip(PER_EVENT.items(), many, strict=True):
            progress(f"{count:,} usage records on one cycle, {kind}")
            fill(made, name, count, each)
        _settle(made)
    with service(url) as found, found.client() as client:
        found_current = _current(client, machine.sizes.requests, few, many[-1], count)
        found_past = [
            _past(client, name, kind, count) for kind, name in zip(PER_EVENT, many, strict=True)
        ]
        memory = found.worker_megabytes()
    return [*found_current, *found_past, _memory(memory)]


def _settle(made: Bench) -> None:
    """What the server's own upkeep does sooner or later."""
    with made.database.connection() as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def _current(client: Client, requests: int, few: str, many: str, count: int) -> list[Finding]:
    """Both by turns, so that what slows one slows the other."""
    paths = [f"/v1/organizations/{name}/invoices/current" for name in (few, many)]
    for path in paths * WARMED:
        client.get(path)
    _check(client.get(paths[1]))
    seconds = [[_seconds(client.get, path) for path in paths] for _ in range(requests)]
    small, large = (median(each) * 1000 for each in zip(*seconds, strict=True))
    return [
        Finding(
            what=f"current invoice, {count:,} usage records, p50",
            measured=large,
            unit="ms",
            goal=5,
            at_most=True,
            detail=f"p99 {number(percentile([each[1] for each in seconds], 0.99) * 1000)} ms",
        ),
        Finding(
            what=f"… compared with {FEW:,} usage records",
            measured=large / small,
            unit="×",
            goal=1.2,
            at_most=True,
            detail=f"p50 {number(small)} ms",
        ),
    ]


def _past(client: Client, name: str, kind: str, count: int) -> Finding:
    path = f"/v1/organizations/{name}/invoices/current?as_of={quote(MIDDLE.isoformat())}"
    _check(client.get(path))
    seconds = [_seconds(client.get, path) for _ in range(AS_OF_ASKED)]
    how = "singly" if kind == "single" else f"in batches {kind}"
    return Finding(
        what=f"as-of invoice, {count:,} usage records that came {how}",
        measured=median(seconds),
        unit="s",
        goal=0.6 if kind == "single" else 0.3,
        at_most=True,
    )


def _check(answer: bytes) -> None:
    """An invoice without usage would be quickly made."""
    lines = msgspec.json.decode(answer)["lines"]
    if not any(line["kind"] == "usage" for line in lines):
        raise RuntimeError("the invoice has no usage")


def _seconds(ask: Callable[[str], object], path: str) -> float:
    start = time.perf_counter()
    ask(path)
    return time.perf_counter() - start


def _memory(megabytes: float) -> Finding:
    return Finding(
        what="memory of a worker after these",
        measured=megabytes,
        unit="MB",
        goal=150,
        at_most=True,
    )
