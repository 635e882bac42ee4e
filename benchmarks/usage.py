"""Usage records as services send them: time-ordered ids, five regions, some busy customers."""

import random
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from benchmarks.books import NOW, START
from domain.usage import UsageRecord

REGIONS = 5
MICROSECOND = timedelta(microseconds=1)
RECORDS_PER_MS = 10

Pick = Callable[[random.Random], str]
"""Chooses the organization of a record."""


def records(
    count: int, pick: Pick, seed: int, share: tuple[float, float] = (0, 1)
) -> list[UsageRecord]:
    """Usage records in order of time.

    share: the part of the cycle's first twenty days that they lie in.
    """
    chance = random.Random(seed)
    base = time.time_ns() // 1_000_000
    first = START + (NOW - START) * share[0]
    apart = (NOW - START) * (share[1] - share[0]) / count
    return [
        UsageRecord(
            source="bench",
            id=uuid7(base + number // RECORDS_PER_MS, chance.getrandbits(72)),
            organization=pick(chance),
            meter="cpu",
            value=str(chance.randrange(1, 10_000)),
            occurred_at=first + timedelta(microseconds=int(apart / MICROSECOND * number)),
            attachment="a1",
            properties={"region": f"r{chance.randrange(REGIONS)}"},
        )
        for number in range(count)
    ]


def batches(found: Sequence[UsageRecord], size: int) -> list[Sequence[UsageRecord]]:
    """The same, in batches."""
    return [found[first : first + size] for first in range(0, len(found), size)]


def zipf(names: Sequence[str]) -> Pick:
    """A few organizations send most of the usage."""
    size = len(names)

    def pick(chance: random.Random) -> str:
        return names[int(size ** chance.random()) - 1]

    return pick


def only(name: str) -> Pick:
    """One organization sends all of it."""
    return lambda chance: name


def uuid7(milliseconds: int, salt: int) -> str:
    """A time-ordered id: milliseconds since 1970, then 72 random bits."""
    tail = f"{salt:018x}"
    text = f"{milliseconds:012x}7{tail[:3]}8{tail[3:18]}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:32]}"
