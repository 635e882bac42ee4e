"""Usage over HTTP: batches and single records, what they cost, and a worker's memory."""

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from statistics import median

import msgspec

from benchmarks.machine import Machine, rounds
from benchmarks.report import Finding, number
from benchmarks.service import Service, service
from benchmarks.usage import batches, records, zipf

PATH = "/v1/usage"
WARMING_CLIENTS = 6

Bodies = list[bytes]


@dataclass
class _Kind:
    """One way of sending. cpu: milliseconds a record, application and database together."""

    size: int
    clients: int
    requests: int
    goal: float
    speeds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @property
    def what(self) -> str:
        """As people say it."""
        held = "one record a request" if self.size == 1 else f"batches of {self.size:,}"
        return f"HTTP, {held}, {self.clients} clients"

    def bodies(self, names: Sequence[str], seed: int) -> Bodies:
        """What one client sends."""
        each = self.requests // self.clients
        found = records(each * self.size, zipf(names), seed)
        return [msgspec.json.encode(batch) for batch in batches(found, self.size)]


def run(machine: Machine) -> list[Finding]:
    """Every way of sending once a round, all to one service."""
    url, names = machine.full_database("http")
    requests = machine.sizes.requests
    kinds = [
        _Kind(1_000, 2, requests, 25_000),
        _Kind(100, 2, requests * 3, 15_000),
        _Kind(1, 4, requests * 8, 800),
    ]
    seeds = count(1)
    with service(url) as found:
        _warm(found, names, seeds)
        memory = [found.worker_megabytes()]
        for _ in rounds(machine.sizes, [kind.what for kind in kinds]):
            for kind in kinds:
                _measure(found, kind, names, seeds)
            memory.append(found.worker_megabytes())
    return [*(_speed(kind) for kind in kinds), _cost(kinds), _memory(memory)]


def _warm(found: Service, names: Sequence[str], seeds: Iterator[int]) -> None:
    """Let the workers meet the organizations, as they have after some time at work."""
    enough = 2 * len(names) // 1_000 * WARMING_CLIENTS + WARMING_CLIENTS
    _measure(found, _Kind(1_000, WARMING_CLIENTS, enough, 0), names, seeds)


def _measure(found: Service, kind: _Kind, names: Sequence[str], seeds: Iterator[int]) -> None:
    bodies = [kind.bodies(names, next(seeds)) for _ in range(kind.clients)]
    before = found.cpu_seconds()
    seconds = sent(found, bodies)
    total = kind.size * sum(len(each) for each in bodies)
    kind.cpu.append((found.cpu_seconds() - before) * 1000 / total)
    kind.speeds.append(total / seconds)


def sent(found: Service, bodies: Sequence[Bodies]) -> float:
    """Seconds until every client, a process each, has its answers."""
    context = multiprocessing.get_context("fork")
    gate, seconds = context.Barrier(len(bodies)), context.Queue()
    clients = [context.Process(target=_send, args=(found, each, gate, seconds)) for each in bodies]
    for client in clients:
        client.start()
    slowest: float = max(seconds.get(timeout=600) for _ in clients)
    for client in clients:
        client.join()
    return slowest


def _send(found: Service, bodies: Bodies, gate: Barrier, seconds: "Queue[float]") -> None:
    with found.client() as client:
        client.get("/healthz")
        gate.wait()
        start = time.perf_counter()
        for body in bodies:
            answer = msgspec.json.decode(client.post(PATH, body))
            if answer["items"]:
                raise RuntimeError(f"not accepted: {answer['items'][0]}")
        seconds.put(time.perf_counter() - start)


def _speed(kind: _Kind) -> Finding:
    speed = median(kind.speeds)
    return Finding(what=kind.what, measured=speed, unit="records/s", goal=kind.goal)


def _cost(kinds: Sequence[_Kind]) -> Finding:
    at_a_hundred = next(kind for kind in kinds if kind.size == 100)
    return Finding(
        what="HTTP, CPU of application and database, batches of 100",
        measured=median(at_a_hundred.cpu),
        unit="ms/record",
        goal=0.06,
        at_most=True,
        detail=", ".join(f"{each.size:,}: {number(median(each.cpu))} ms" for each in kinds),
    )


def _memory(megabytes: Sequence[float]) -> Finding:
    return Finding(
        what="HTTP, memory of the largest worker",
        measured=max(megabytes),
        unit="MB",
        goal=150,
        at_most=True,
        detail=" → ".join(number(each) for each in megabytes),
    )
