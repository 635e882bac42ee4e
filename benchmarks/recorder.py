"""The usage recorder against a raw COPY, and against the library's get-and-save, in one run."""

import multiprocessing
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from statistics import median
from uuid import UUID, uuid4

import psycopg

from api.memory import spare_garbage_collection
from benchmarks import naive
from benchmarks.books import ACTOR, NOW, bench
from benchmarks.machine import Machine, rounds
from benchmarks.report import Finding, number, ratio
from benchmarks.usage import Pick, batches, only, records, zipf
from domain.usage import UsageRecord

BATCH = 1_000
STATE_BYTES = 260  # what a usage record comes to in an event of its own
RAW_STREAMS = 100

Batches = list[Sequence[UsageRecord]]

_RAW_TABLE = (
    "CREATE TABLE raw_copy (originator_id uuid, originator_version bigint, topic text, state bytea,"
    " notification_id bigserial, PRIMARY KEY (originator_id, originator_version))"
)
_RAW_COPY = (
    "COPY raw_copy (originator_id, originator_version, topic, state) FROM STDIN (FORMAT BINARY)"
)


@dataclass
class _Round:
    """What each round measured, a second each."""

    raw: list[float] = field(default_factory=list)
    two: list[float] = field(default_factory=list)
    contended: list[float] = field(default_factory=list)
    one: list[float] = field(default_factory=list)
    hot: list[float] = field(default_factory=list)
    naive: list[float] = field(default_factory=list)


def run(machine: Machine) -> list[Finding]:
    """Two writers, one writer, one writer on one cycle; each round with its own COPY.

    Two writers have organizations of their own, as where usage is reported by region. Where
    both have records of the busiest cycles in every batch, they wait for each other.
    """
    url, names = machine.full_database("recorder")
    sizes, found = machine.sizes, _Round()
    seeds = iter(range(1, 1_000))
    for _ in rounds(sizes, ["raw COPY, recorder, get-and-save"]):
        found.raw.append(raw_copy(url, sizes.rows))
        for picks, speeds in (
            ([zipf(names[::2]), zipf(names[1::2])], found.two),
            ([zipf(names)] * 2, found.contended),
            ([zipf(names)], found.one),
            ([only(names[0])], found.hot),
        ):
            work = [_batches(sizes.rows, pick, next(seeds)) for pick in picks]
            speeds.append(recorded(url, names, work))
        found.naive.append(naive.speed(url, threads=1, events=sizes.naive_events))
    return _findings(found, len(names))


def _batches(rows: int, pick: Pick, seed: int) -> Batches:
    """One batch more than is measured: the first one warms up."""
    return batches(records(rows + BATCH, pick, seed), BATCH)


def _findings(found: _Round, organizations: int) -> list[Finding]:
    raw = f"{number(median(found.raw))} rows/s of raw COPY"
    many = f"{organizations:,} cycles"
    rows = (
        (f"recorder, 2 writers, {many}", found.two, 0.40),
        ("… every batch of both with the same busiest cycles", found.contended, None),
        (f"recorder, 1 writer, {many}", found.one, 0.20),
        ("recorder, 1 writer, 1 cycle", found.hot, 0.45),
    )
    return [
        *(
            Finding(
                what=what,
                measured=ratio(speeds, found.raw),
                unit="× raw COPY",
                goal=goal,
                detail=f"{number(median(speeds))} records/s to {raw}",
            )
            for what, speeds, goal in rows
        ),
        Finding(
            what=f"recorder, 2 writers, {many}",
            measured=ratio(found.two, found.naive),
            unit="× get-and-save",
            goal=75,
            detail=f"get-and-save: {number(median(found.naive))} events/s, 1 thread, cached",
        ),
    ]


def raw_copy(url: str, rows: int) -> float:
    """Rows a second of a binary COPY by one connection, in transactions of a thousand.

    The columns and indexes are those of the library's table of events.
    """
    streams = [uuid4() for _ in range(RAW_STREAMS)]
    state = random.Random(1).randbytes(STATE_BYTES)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS raw_copy")
        connection.execute(_RAW_TABLE)
        connection.execute("CREATE UNIQUE INDEX ON raw_copy (notification_id)")
        start = time.perf_counter()
        for first in range(0, rows, BATCH):
            numbers = range(first, min(rows, first + BATCH))
            _copy(connection, [(streams[each % RAW_STREAMS], each, state) for each in numbers])
        took = time.perf_counter() - start
        connection.execute("DROP TABLE raw_copy")
    return rows / took


def _copy(
    connection: psycopg.Connection[tuple[object, ...]], rows: Sequence[tuple[UUID, int, bytes]]
) -> None:
    with connection.transaction(), connection.cursor() as cursor, cursor.copy(_RAW_COPY) as copy:
        copy.set_types(["uuid", "int8", "text", "bytea"])
        for stream, version, state in rows:
            copy.write_row((stream, version, "UsageRecorded@1", state))


def recorded(url: str, names: Sequence[str], work: Sequence[Batches]) -> float:
    """Records a second of one writer process for each list of batches; the slowest one counts."""
    context = multiprocessing.get_context("fork")
    gate, seconds = context.Barrier(len(work)), context.Queue()
    writers = [
        context.Process(target=_write, args=(url, names, each, gate, seconds)) for each in work
    ]
    for writer in writers:
        writer.start()
    slowest: float = max(seconds.get(timeout=600) for _ in writers)
    for writer in writers:
        writer.join()
    return sum(len(batch) for each in work for batch in each[1:]) / slowest


def _write(
    url: str, names: Sequence[str], work: Batches, gate: Barrier, seconds: "Queue[float]"
) -> None:
    with bench(url) as made:
        made.warm(names)
        made.usage_log.append(work[0], actor=ACTOR, now=NOW)
        spare_garbage_collection()  # as an API process does
        gate.wait()
        start = time.perf_counter()
        for batch in work[1:]:
            made.usage_log.append(batch, actor=ACTOR, now=NOW)
        seconds.put(time.perf_counter() - start)
