"""How fast the sandbox may be called, as Stripe limits it: buckets of tokens on its own clock."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any

from adapters.sandbox.refusals import Refused, rate_limited

SEARCH = "/search"
ROUNDING = 1e-4
"""What seconds since 1970 lose as floats, in tokens."""


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Calls a second. burst_s: how many seconds' worth may come at once. at_once: how many may
    be under way together. retry_after: whether a refusal says so; Stripe does not document it.

    Source: https://docs.stripe.com/rate-limits
    """

    endpoint: float = 25
    search: float = 20
    account: float = 100
    burst_s: float = 1
    at_once: int | None = None
    retry_after: bool = False

    def __post_init__(self) -> None:
        if min(self.endpoint, self.search, self.account, self.burst_s) <= 0:
            raise ValueError("rates and burst_s are above zero")


LIKE = {"live": Rates(), "sandbox": Rates(account=25), "off": None}
"""What Stripe allows a live account, and one of its own sandboxes."""


@dataclass
class Bucket:
    """Tokens, refilled all the time up to a burst."""

    tokens: float
    at: float

    def has_one(self, now: float, rate: float, burst: float) -> bool:
        """Whether there is a token now."""
        self.tokens = min(burst, self.tokens + max(0.0, now - self.at) * rate)
        self.at = max(self.at, now)
        return self.tokens >= 1 - ROUNDING


class Limits:
    """Refuses what comes too fast. A refused call costs nothing."""

    def __init__(self, instant: Callable[[], float], rates: Rates | None) -> None:
        self._instant = instant
        self._lock = Lock()
        self._buckets: dict[str, Bucket] = {}
        self._under_way = 0
        self.rates = rates

    def enforce(self, rates: Rates | None) -> None:
        """Hold to these rates from now on, with full buckets; ``None`` for no limits."""
        with self._lock:
            self._buckets.clear()
            self.rates = rates

    def settings(self) -> dict[str, Any] | None:
        """The rates in force, to set the same again."""
        return asdict(self.rates) if self.rates else None

    @contextmanager
    def admitted(self, endpoint: str) -> Iterator[None]:
        """Let a call to an endpoint in, or refuse it.

        Raises:
            Refused: 429, with the reason in a header.
        """
        with self._lock:
            if self.rates:
                self._admit(endpoint, self.rates)
            self._under_way += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1

    def _admit(self, endpoint: str, rates: Rates) -> None:
        rate = rates.search if endpoint.endswith(SEARCH) else rates.endpoint
        account = self._bucket("", rates.account, rates)
        own = self._bucket(endpoint, rate, rates)
        if rates.at_once is not None and self._under_way >= rates.at_once:
            raise _refused("global-concurrency", rates)
        if account is None:
            raise _refused("global-rate", rates)
        if own is None:
            raise _refused("endpoint-rate", rates)
        account.tokens -= 1
        own.tokens -= 1

    def _bucket(self, name: str, rate: float, rates: Rates) -> Bucket | None:
        """A bucket with a token in it, or ``None``."""
        now, burst = self._instant(), max(1.0, rate * rates.burst_s)
        bucket = self._buckets.setdefault(name, Bucket(burst, now))
        return bucket if bucket.has_one(now, rate, burst) else None


def _refused(reason: str, rates: Rates) -> Refused:
    return rate_limited(reason, 1 if rates.retry_after else None)
