"""The pacer: asks before each call to Stripe, waits where that helps, and says why where not."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from application.meters import Meters, NoMeters
from application.pacing import SECOND, Bucket, Lane, Outcome, Pace, Verdict, current_lane
from application.vitals import Budget
from domain.errors import GatewayBusy, GatewayError, GatewayMisconfigured, GatewayUnavailable

PATIENCE = {Lane.HIGH: 10 * SECOND, Lane.NORMAL: 30 * SECOND}
"""How long a call waits for its turn: less than people do, and than a lease of a sync lasts."""

log = logging.getLogger(__name__)


class PaceStore(Protocol):
    """Where the pace is kept, one for everybody who calls Stripe."""

    def change(self, endpoint: str, decide: Callable[[Pace, int], Pace]) -> tuple[Pace, Pace]:
        """Replace an endpoint's pace by what ``decide`` makes of it now; as it was, and as it is.

        decide: given the pace and the clock in microseconds. It may be called again, where
        somebody else was faster.
        """
        ...


class LocalPace:
    """The ``PaceStore`` of a process that calls Stripe alone.

    per_s: budgets of calls a second, of the account and of each endpoint. clock: microseconds.
    """

    def __init__(self, account_per_s: int, endpoint_per_s: int, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._endpoint_per_s = endpoint_per_s
        self._lock = threading.Lock()
        self._shared = Pace(
            account=Bucket(budget=account_per_s), endpoint=Bucket(budget=endpoint_per_s)
        )
        self._endpoints: dict[str, Bucket] = {}

    def change(self, endpoint: str, decide: Callable[[Pace, int], Pace]) -> tuple[Pace, Pace]:
        """Replace an endpoint's pace; as it was, and as it is."""
        with self._lock:
            own = self._endpoints.get(endpoint) or Bucket(budget=self._endpoint_per_s)
            was = replace(self._shared, endpoint=own)
            now = self._shared = decide(was, self._clock())
            self._endpoints[endpoint] = now.endpoint
            return was, now


class Turn(Protocol):
    """A lock, as ``threading.Lock`` is one."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take it; whether it was free in time."""
        ...

    def release(self) -> None:
        """Give it back."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Leave:
    """That a call may go out now."""

    endpoint: str
    verdict: Verdict


class Pacer:
    """Lets calls go as Stripe can take them. No lock or transaction is held while one waits.

    sleep: waits for so many microseconds.
    """

    def __init__(
        self,
        store: PaceStore,
        sleep: Callable[[int], None],
        new_turn: Callable[[], Turn] = threading.Lock,
        meters: Meters | None = None,
    ) -> None:
        self._store = store
        self._sleep = sleep
        self._new_turn = new_turn
        self._meters = meters or NoMeters()
        self._turns: dict[tuple[str, Lane], Turn] = {}
        self._lock = threading.Lock()

    def take(self, endpoint: str) -> Leave:
        """Wait until a call to an endpoint may go out.

        Raises:
            GatewayBusy: it is not its turn for longer than anybody should wait.
            GatewayUnavailable: Stripe is away.
            GatewayMisconfigured: it does not take our key.

        In the context of each, ``retry_after_s`` says when to come back.
        """
        lane = current_lane()
        patience = PATIENCE[lane]
        turn = self._turn(endpoint, lane)
        # One of us asks at a time: the others would only be told the same.
        if not turn.acquire(timeout=patience / SECOND):
            raise _too_long(patience)
        try:
            return self._wait(endpoint, lane, patience)
        finally:
            turn.release()

    def tell(self, leave: Leave, outcome: Outcome, reason: str = "") -> None:
        """Say what became of a call that went out."""
        verdict = leave.verdict
        self._meters.stripe_call(leave.endpoint, outcome.value)
        if outcome is Outcome.ANSWERED and not (verdict.troubled or verdict.probe):
            return

        def decide(pace: Pace, now: int) -> Pace:
            return pace.told(outcome, now, reason=reason, probe=verdict.probe)

        was, now = self._store.change(leave.endpoint, decide)
        _say(was, now)

    def away(self, endpoint: str = "") -> bool:
        """Whether Stripe is away, so that not even a probe is due: work can be left lying."""
        verdict = Verdict(go=False)

        def decide(pace: Pace, now: int) -> Pace:
            nonlocal verdict
            opened = pace.breaker.opened_at is not None
            verdict = Verdict(go=False, away=opened and now < pace.breaker.probe_at)
            return pace

        self._store.change(endpoint, decide)
        return verdict.away

    def budget(self) -> Budget:
        """How much of the account's budget is in use."""
        clock = 0

        def look(pace: Pace, now: int) -> Pace:
            nonlocal clock
            clock = now
            return pace

        _, pace = self._store.change("", look)
        account, breaker = pace.account, pace.breaker
        opened_at = breaker.opened_at
        return Budget(
            used=sum(each > clock - SECOND for each in account.calls),
            allowed=account.size(clock),
            full=account.budget,
            away=None if opened_at is None else str(away(pace, 0)),
            away_since=None if opened_at is None else _instant(opened_at),
            key_refused=opened_at is not None and breaker.key_refused,
        )

    def _wait(self, endpoint: str, lane: Lane, patience: int) -> Leave:
        while True:
            pace, verdict = self._ask(endpoint, lane)
            if verdict.go:
                return Leave(endpoint=endpoint, verdict=verdict)
            if verdict.away:
                raise away(pace, verdict.wait)
            if verdict.wait > patience:
                raise _too_long(verdict.wait)
            patience -= verdict.wait
            self._sleep(verdict.wait)

    def _ask(self, endpoint: str, lane: Lane) -> tuple[Pace, Verdict]:
        verdict = Verdict(go=False)

        def decide(pace: Pace, now: int) -> Pace:
            nonlocal verdict
            changed, verdict = pace.asked(lane, now)
            return changed

        _, pace = self._store.change(endpoint, decide)
        return pace, verdict

    def _turn(self, endpoint: str, lane: Lane) -> Turn:
        with self._lock:
            return self._turns.setdefault((endpoint, lane), self._new_turn())


def away(pace: Pace, wait: int) -> GatewayError:
    """Why nobody calls Stripe now, and when to come back."""
    breaker = pace.breaker
    seconds = -(-wait // SECOND)
    if breaker.key_refused:
        return GatewayMisconfigured(
            breaker.reason, code="stripe_key_refused", retry_after_s=seconds
        )
    since = _instant(breaker.opened_at or 0)
    message = f"Stripe is left alone since {since:%H:%M:%S} UTC: {breaker.reason}"
    return GatewayUnavailable(message, code="stripe_away", retry_after_s=seconds)


def _instant(clock: int) -> datetime:
    return datetime.fromtimestamp(clock // SECOND, UTC)


def _too_long(wait: int) -> GatewayBusy:
    return GatewayBusy(
        "more is to be sent to Stripe than it takes now",
        code="stripe_budget_used",
        retry_after_s=-(-wait // SECOND),
    )


def _say(was: Pace, now: Pace) -> None:
    """Once for everybody: only one of us turns the breaker."""
    opened, closed = now.breaker.opened_at, was.breaker.opened_at
    if opened is not None and closed is None:
        log.error("Stripe is left alone from now on, but for probes: %s", now.breaker.reason)
    if opened is None and closed is not None:
        log.warning("Stripe answers again")
