"""Usage by RabbitMQ beside usage over HTTP: the same records, the same database, one run.

The broker is that of ``BENCH_AMQP_URL``; without one, HTTP stands alone.
"""

import multiprocessing
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from multiprocessing.synchronize import Barrier
from pathlib import Path

import msgspec
import pika
import psycopg

from adapters.rabbitmq.link import Link
from adapters.rabbitmq.topology import Names
from benchmarks.http import sent
from benchmarks.machine import Machine, rounds
from benchmarks.report import Finding, number, ratio
from benchmarks.service import STOPS_WITHIN_S, Service, service
from benchmarks.usage import batches, records, zipf

STORED_WITHIN_S = 600
LOOK_EVERY_S = 0.02


@dataclass
class _Kind:
    """Records in a message, or a request, and senders at once. Speeds are records a second."""

    size: int
    senders: int
    messages: int
    http: list[float] = field(default_factory=list)
    rabbitmq: list[float] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Records of a round."""
        return self.size * self.senders * (self.messages // self.senders)

    def bodies(self, names: Sequence[str], seeds: Iterator[int]) -> list[list[bytes]]:
        """What each sender sends."""
        each = self.size * (self.messages // self.senders)
        return [
            [
                msgspec.json.encode(batch)
                for batch in batches(records(each, zipf(names), next(seeds)), self.size)
            ]
            for _ in range(self.senders)
        ]


@dataclass(frozen=True)
class _Intake:
    """A worker that takes usage from a broker into a database."""

    url: str
    names: Names
    database: str

    def seconds(self, bodies: Sequence[Sequence[bytes]], expected: int) -> float:
        """From the first message published until the last record is stored."""
        goal = self._stored() + expected
        context = multiprocessing.get_context("fork")
        gate = context.Barrier(len(bodies) + 1)
        senders = [context.Process(target=self._publish, args=(each, gate)) for each in bodies]
        for sender in senders:
            sender.start()
        gate.wait()
        start = time.perf_counter()
        while self._stored() < goal:
            if time.perf_counter() - start > STORED_WITHIN_S:
                raise RuntimeError(f"{goal - self._stored()} records were not stored")
            time.sleep(LOOK_EVERY_S)
        taken = time.perf_counter() - start
        for sender in senders:
            sender.join()
        return taken

    def _publish(self, bodies: Sequence[bytes], gate: Barrier) -> None:
        with closing(Link(self.url, self.names)) as link:
            channel = link.channel()
            channel.confirm_delivery()
            about = pika.BasicProperties(content_type="application/json", delivery_mode=2)
            gate.wait()
            for body in bodies:
                channel.basic_publish(self.names.usage, "bench", body, about, mandatory=True)

    def _stored(self) -> int:
        with psycopg.connect(self.database) as connection:
            row = connection.execute("SELECT coalesce(sum(records), 0) FROM usage_tally").fetchone()
        return int(row[0]) if row else 0


def run(machine: Machine) -> list[Finding]:
    """Both ways once a round."""
    database, names = machine.full_database("intake")
    requests = machine.sizes.requests
    kinds = [_Kind(100, 2, requests * 3), _Kind(1, 4, requests * 8)]
    url = os.environ.get("BENCH_AMQP_URL")
    seeds = count(1)
    with service(database) as found:
        if url is None:
            _measure(machine, kinds, names, seeds, found, None)
        else:
            with _intake(url, database) as intake:
                _measure(machine, kinds, names, seeds, found, intake)
    return [finding for kind in kinds for finding in _findings(kind)]


def _measure(
    machine: Machine,
    kinds: Sequence[_Kind],
    names: Sequence[str],
    seeds: Iterator[int],
    found: Service,
    intake: _Intake | None,
) -> None:
    warming = _Kind(1_000, 1, 2 * len(names) // 1_000 + 1)
    for _ in range(2):  # two processes of the service
        sent(found, warming.bodies(names, seeds))
    if intake is not None:
        intake.seconds(warming.bodies(names, seeds), warming.count)
    for _ in rounds(machine.sizes, [f"messages of {kind.size}" for kind in kinds]):
        for kind in kinds:
            kind.http.append(kind.count / sent(found, kind.bodies(names, seeds)))
            if intake is not None:
                seconds = intake.seconds(kind.bodies(names, seeds), kind.count)
                kind.rabbitmq.append(kind.count / seconds)


@contextmanager
def _intake(url: str, database: str) -> Iterator[_Intake]:
    """A worker with queues of its own, until the block ends."""
    names = Names(f"bench-{uuid.uuid4().hex[:12]}")
    settings = {
        "DATABASE_URL": database,
        "AMQP_URL": url,
        "AMQP_PREFIX": names.prefix,
        "LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", "api.cli.main", "work", "--role", "intake"]
    root = Path(__file__).resolve().parent.parent
    worker = subprocess.Popen(command, env={**os.environ, **settings}, cwd=root)
    try:
        yield _Intake(url, names, database)
    finally:
        worker.terminate()
        worker.wait(STOPS_WITHIN_S)
        _remove(url, names)


def _remove(url: str, names: Names) -> None:
    with closing(Link(url, names)) as link:
        for queue in names.queues:
            link.channel().queue_delete(queue)
        link.channel().exchange_delete(names.usage)


def _findings(kind: _Kind) -> Iterator[Finding]:
    held = "one record" if kind.size == 1 else f"{kind.size} records"
    if not kind.rabbitmq:
        what = f"HTTP, {held} a request, {kind.senders} clients (no BENCH_AMQP_URL)"
        yield Finding(what=what, measured=sum(kind.http) / len(kind.http), unit="records/s")
        return
    yield Finding(
        what=f"RabbitMQ, {held} a message, {kind.senders} publishers with confirms, against HTTP",
        measured=ratio(kind.rabbitmq, kind.http),
        unit="×",
        detail=f"{_told(kind.rabbitmq)} against {_told(kind.http)} records/s",
    )


def _told(speeds: Sequence[float]) -> str:
    return ", ".join(number(each) for each in speeds)
