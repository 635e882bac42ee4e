"""Pacing as values: how many calls Stripe takes a second, who goes first, when to leave it alone.

Instants and spans are whole microseconds of one clock, which is passed in. Nothing here waits.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from enum import Enum

SECOND = 1_000_000
WINDOW = SECOND + 20_000
"""What a budget of calls a second is held to. The 20 ms are for the way from the decision to the
wire: calls that leave that late still keep the budget in every single second."""

RECOVERY = 10 * SECOND
"""How long a bucket that Stripe found too full takes from nothing back to its budget."""

ONE_SHRINKING = SECOND // 2
"""Refusals of calls that went out together count as one."""

HIGH_LANE_REMEMBERED = 5 * SECOND
KEPT_FOR_HIGH = 5
"""While somebody used the high lane lately, the others leave it one call in so many."""

FAILURES_MAX = 10
"""After so many failures in a row, whosever, Stripe is left alone but for probes."""

FIRST_PROBE_AFTER, LONGEST_PROBE_PAUSE = SECOND, 30 * SECOND
PROBE_TAKES_MAX = 90 * SECOND
"""A probe that said nothing for so long died with its process."""


class Lane(Enum):
    """Who goes first. ``HIGH``: people who wait, and last syncs. ``NORMAL``: all that can wait."""

    HIGH = "high"
    NORMAL = "normal"


_LANE: ContextVar[Lane] = ContextVar("lane", default=Lane.HIGH)


@contextmanager
def in_lane(lane: Lane) -> Iterator[None]:
    """Every call to Stripe in the block goes in this lane; elsewhere it is the high one."""
    before = _LANE.set(lane)
    try:
        yield
    finally:
        _LANE.reset(before)


def current_lane() -> Lane:
    """The lane of whoever asks."""
    return _LANE.get()


class Outcome(Enum):
    """What a call says of Stripe, and nothing of what it was for."""

    ANSWERED = "answered"
    ENDPOINT_LIMITED = "endpoint_limited"
    ACCOUNT_LIMITED = "account_limited"
    FAILED = "failed"
    KEY_REFUSED = "key_refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Bucket:
    """A budget of calls a second, and when the last ones went out, oldest first.

    A call takes a token, which is back a window later: so no second ever holds more calls than
    the budget, however they bunch. shrunk_at, shrunk_to: Stripe's last objection, and what was
    left of the budget then.
    """

    budget: int
    calls: tuple[int, ...] = ()
    shrunk_at: int | None = None
    shrunk_to: int = 0

    def size(self, now: int) -> int:
        """The tokens in circulation: the budget, or what has grown back of it.

        >>> full = Bucket(budget=20).shrunk(0)
        >>> full.size(0), full.size(2_500_000), full.size(9_000_000)
        (10, 15, 20)
        """
        if self.shrunk_at is None:
            return self.budget
        grown = self.budget * max(now - self.shrunk_at, 0) // RECOVERY
        return min(self.budget, self.shrunk_to + grown)

    def free_at(self, now: int, *, low: bool = False) -> int:
        """The earliest instant for one more call. low: those kept for the high lane stay.

        >>> bucket = Bucket(budget=2, calls=(0, 400_000))
        >>> bucket.free_at(500_000), bucket.free_at(1_100_000)
        (1020000, 1100000)
        """
        size = self.size(now)
        tokens = max(1, size - max(1, size // KEPT_FOR_HIGH)) if low else size
        recent = [each for each in self.calls if each > now - WINDOW]
        if len(recent) < tokens:
            return now
        return recent[len(recent) - tokens] + WINDOW

    def taken(self, now: int) -> "Bucket":
        """One more call goes out; those of long ago are forgotten."""
        recent = tuple(each for each in self.calls if each > now - WINDOW)
        return replace(self, calls=(*recent, now))

    def shrunk(self, now: int) -> "Bucket":
        """Half of it, after Stripe objected; it grows back by itself."""
        if self.shrunk_at is not None and now - self.shrunk_at < ONE_SHRINKING:
            return self
        return replace(self, shrunk_at=now, shrunk_to=max(1, self.size(now) // 2))


@dataclass(frozen=True, kw_only=True, slots=True)
class Breaker:
    """Leaves Stripe alone while it is away. One call at a time goes out to see, the probe.

    failures: in a row. reason: the last one's, for people. probe_at: while open, when the next
    probe may go; later for as long as one is under way.
    """

    failures: int = 0
    opened_at: int | None = None
    probe_at: int = 0
    pause: int = FIRST_PROBE_AFTER
    reason: str = ""
    key_refused: bool = False

    def probing(self, now: int) -> "Breaker":
        """A probe goes out, and no other while it is on its way."""
        return replace(self, probe_at=now + PROBE_TAKES_MAX)

    def failed(self, outcome: Outcome, reason: str, now: int, *, probe: bool) -> "Breaker":
        """One more failure. Only a probe's puts the next one off."""
        refused = outcome is Outcome.KEY_REFUSED
        known = replace(
            self, failures=self.failures + 1, reason=reason or self.reason, key_refused=refused
        )
        if self.opened_at is not None:
            if not probe:
                return known
            pause = min(self.pause * 2, LONGEST_PROBE_PAUSE)
            return replace(known, pause=pause, probe_at=now + pause)
        if known.failures < FAILURES_MAX and not refused:
            return known
        return replace(known, opened_at=now, probe_at=now + self.pause)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Whether a call may go. wait: if not, for how long at least. away: because Stripe is, and
    nobody should wait. probe: it goes to see whether Stripe is back. troubled: whether it is
    worth telling that the call was answered.
    """

    go: bool
    wait: int = 0
    away: bool = False
    probe: bool = False
    troubled: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """Everything that decides about one call: the account's bucket, its endpoint's, the breaker.

    high_at: when somebody last asked in the high lane.
    """

    account: Bucket
    endpoint: Bucket
    breaker: Breaker = field(default_factory=Breaker)
    high_at: int | None = None

    def asked(self, lane: Lane, now: int) -> tuple["Pace", Verdict]:
        """Let a call go, and count it; or say when to ask again."""
        known = replace(self, high_at=now) if lane is Lane.HIGH else self
        breaker = self.breaker
        opened = breaker.opened_at is not None
        if opened and now < breaker.probe_at:
            # One that is under way is usually over long before it has to be.
            wait = min(breaker.probe_at - now, LONGEST_PROBE_PAUSE)
            return self, Verdict(go=False, away=True, wait=wait)
        low = lane is Lane.NORMAL and self._high_lane_in_use(now)
        free = max(self.account.free_at(now, low=low), self.endpoint.free_at(now, low=low))
        if free > now:
            return known, Verdict(go=False, wait=free - now)
        gone = replace(
            known,
            account=self.account.taken(now),
            endpoint=self.endpoint.taken(now),
            breaker=breaker.probing(now) if opened else breaker,
        )
        return gone, Verdict(go=True, probe=opened, troubled=breaker.failures > 0)

    def told(self, outcome: Outcome, now: int, *, reason: str = "", probe: bool = False) -> "Pace":
        """Take the outcome of a call into account."""
        match outcome:
            case Outcome.FAILED | Outcome.KEY_REFUSED:
                failed = self.breaker.failed(outcome, reason, now, probe=probe)
                return replace(self, breaker=failed)
            case Outcome.ACCOUNT_LIMITED:
                return replace(self, account=self.account.shrunk(now), breaker=Breaker())
            case Outcome.ENDPOINT_LIMITED:
                return replace(self, endpoint=self.endpoint.shrunk(now), breaker=Breaker())
        return replace(self, breaker=Breaker())

    def _high_lane_in_use(self, now: int) -> bool:
        return self.high_at is not None and now - self.high_at < HIGH_LANE_REMEMBERED
