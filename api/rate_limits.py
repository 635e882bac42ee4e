"""Rate limits: how much a key, a session, or an address without one, may ask of this process.

Token buckets in memory: a bucket fills at its rate and holds two seconds of it. Whoever finds
something in it is served, and may leave it in debt; then it has to fill again first. Each process
grants its share of what the settings say, so no request waits for another process.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from math import ceil
from time import monotonic

from api.errors import RateLimited
from api.settings import Settings

BURST_S = 2
"""A bucket holds what comes in so many seconds."""

STRANGERS_PER_S = 5
"""Unknown keys that an address may try a second, in each process."""

BUCKETS_MAX = 10_000
"""Whoever has asked least lately is forgotten, which is to say: has a full bucket."""

Left = tuple[str, str]
"""The headers ``RateLimit-Policy`` and ``RateLimit``, as the IETF's draft has them."""


class Buckets:
    """A bucket for each who asks. rate: what comes in a second. name: of the policy."""

    def __init__(self, name: str, rate: float, clock: Callable[[], float] = monotonic) -> None:
        self._name = name
        self._rate = rate
        self._size = max(1.0, rate * BURST_S)
        self._clock = clock
        self._lock = threading.Lock()
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._policy = f'"{name}";q={int(self._size)};w={ceil(self._size / rate)}'

    def take(self, who: str, amount: int = 1) -> Left:
        """Take from a bucket.

        Raises:
            RateLimited: it is empty, or still in debt; ``retry_after_s`` says for how long.
        """
        with self._lock:
            level = self._level(who)
            if level < 1:
                raise self._refusal(level)
            self._keep(who, level - amount)
        return self._left(level - amount)

    def spend(self, who: str) -> None:
        """Take one, whatever is there."""
        with self._lock:
            self._keep(who, max(0.0, self._level(who) - 1))

    def is_spent(self, who: str) -> bool:
        """Whether ``take`` would refuse."""
        return who in self._held and self._level(who) < 1  # hardly anybody has a bucket

    def _level(self, who: str) -> float:
        level, since = self._held.get(who, (self._size, 0.0))
        return min(self._size, level + (self._clock() - since) * self._rate)

    def _keep(self, who: str, level: float) -> None:
        self._held[who] = (level, self._clock())
        self._held.move_to_end(who)
        if len(self._held) > BUCKETS_MAX:
            self._held.popitem(last=False)

    def _left(self, level: float) -> Left:
        full_in = ceil((self._size - level) / self._rate)
        return self._policy, f'"{self._name}";r={max(0, int(level))};t={full_in}'

    def _refusal(self, level: float) -> RateLimited:
        wait = max(1, ceil((1 - level) / self._rate))
        return RateLimited(
            f"too many {self._name} at once: try again in {wait} s",
            retry_after_s=wait,
            rate=self._left(level),
        )


class RateLimits:
    """All limits of this process. records: of usage, ``None`` where they are not limited."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = monotonic) -> None:
        share, records = settings.workers, settings.usage_rate_limit
        self.requests = Buckets("requests", settings.rate_limit_per_s / share, clock)
        self.records = None if records is None else Buckets("usage records", records / share, clock)
        self.pages = Buckets("pages", settings.rate_limit_per_s / share, clock)
        self.strangers = Buckets("unknown keys", STRANGERS_PER_S, clock)
