"""Change requests: what one person asked for, and a second one carries out or turns down."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from domain.errors import Busy, Forbidden, NotFound, RuleViolation
from domain.text import written

LASTS = timedelta(days=7)
"""How long a request waits."""

CLAIMED = timedelta(seconds=60)
"""A claim this old was left by a process that died. Commands are safe to repeat."""

REASON_MAX = 400
WAITING, EXPIRED, APPROVED, REJECTED = "waiting", "expired", "approved", "rejected"
STATES = (WAITING, EXPIRED, APPROVED, REJECTED)

Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True, slots=True)
class Stake:
    """What a change is about, in minor units.

    amount: what counts against the limit. differences: by invoice and line, or by whatever else
    it moves; the same change is the one with the same differences. preview: what people are
    shown, where the change can be rehearsed.
    """

    amount: int = 0
    currency: str = ""
    differences: Mapping[str, int] = field(default_factory=dict)
    preview: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """An operation as somebody asked for it: its name, and what was sent, before it was read."""

    operation: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeRequest:
    """A change that waits for a second person, or what became of it.

    above: the limit when it was asked. stake: as it was last shown.
    """

    id: str
    asked: Asked
    actor: str
    asked_at: datetime
    expires_at: datetime
    above: int
    stake: Stake
    decision: str | None = None
    decided_at: datetime | None = None
    decided_by: str | None = None
    reason: str | None = None

    def state(self, now: datetime) -> str:
        """One of ``STATES``."""
        return self.decision or (EXPIRED if self.expires_at <= now else WAITING)


class ChangeRequestStore(Protocol):
    """Where change requests are kept."""

    def add(self, asked: Asked, stake: Stake, above: int, actor: str, at: datetime) -> str:
        """Keep one that expires ``LASTS`` after ``at``; its id."""
        ...

    def get(self, request: str) -> ChangeRequest | None:
        """One by its id."""
        ...

    def list(
        self, state: str | None, before: str | None, limit: int, now: datetime
    ) -> Sequence[ChangeRequest]:
        """Those in a state, or all; the newest first, before another one."""
        ...

    def claim(self, request: str, now: datetime) -> bool:
        """Keep others from deciding for ``CLAIMED``; whether nobody else is, or has."""
        ...

    def release(self, request: str) -> None:
        """Let others decide again."""
        ...

    def show(self, request: str, stake: Stake) -> None:
        """Remember what was shown last."""
        ...

    def decide(
        self, request: str, decision: str, actor: str, reason: str | None, at: datetime
    ) -> None:
        """Note what became of one."""
        ...


class ChangeRequests:
    """Keeps changes until a second person decides. now: the clock, aware UTC.

    same_holder: whether two actors are known to be one: a key, and the one that replaced it.
    """

    def __init__(
        self,
        store: ChangeRequestStore,
        same_holder: Callable[[str, str], bool],
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._same_holder = same_holder
        self._now = now

    def keep(
        self, asked: Asked, stake: Stake, *, above: int, actor: str, at: datetime
    ) -> ChangeRequest:
        """Keep a change that is above the limit. at: when it was asked, and weighed."""
        return self.get(self._store.add(asked, stake, above, actor, at))

    def get(self, request: str) -> ChangeRequest:
        """A request, whatever became of it.

        Raises:
            NotFound: there is none.
        """
        found = self._store.get(request)
        if found is None:
            raise NotFound(f"there is no change request {request}")
        return found

    def list(
        self, state: str | None = None, before: str | None = None, limit: int = 50
    ) -> Sequence[ChangeRequest]:
        """Requests, the newest first. before: the id of the last one of the page before."""
        return self._store.list(state, before, limit, self._now())

    def approve(
        self,
        request: str,
        weigh: Callable[[], Stake],
        carry_out: Callable[[], Answer],
        *,
        actor: str,
        reason: str | None = None,
        up_to: int | None = None,
    ) -> Answer:
        """Carry a change out, if it still does what was shown, or not more than ``up_to``.

        weigh: what it would do now. up_to: minor units that the approver accepts whatever changed.

        Raises:
            NotFound: there is no such request.
            Forbidden: the one who asked may not approve.
            RuleViolation: it is decided or expired, or does something else now: ``preview`` in
                the context says what, and it may be approved as that.
            Busy: somebody else is deciding.
            CyclebookError: as the change itself; the request goes on waiting.
        """
        why = None if reason is None else written(reason, "reason", REASON_MAX)
        known = self._waiting(request)
        if known.actor == actor or self._same_holder(known.actor, actor):
            raise Forbidden(
                "this change needs a second person: whoever asked for it may not approve it",
                code="needs_second_person",
            )
        if not self._store.claim(request, self._now()):
            self._waiting(request)
            raise Busy("somebody else is deciding about this change right now")
        try:
            self._require_same(known, weigh(), up_to)
            answer = carry_out()
            self._store.decide(request, APPROVED, actor, why, self._now())
            return answer
        finally:
            self._store.release(request)

    def reject(self, request: str, reason: str, *, actor: str) -> ChangeRequest:
        """Turn a change down; whoever asked may take it back so.

        Raises:
            NotFound: there is no such request.
            RuleViolation: it is decided or expired.
            Busy: somebody else is deciding.
        """
        why = written(reason, "reason", REASON_MAX)
        self._waiting(request)
        if not self._store.claim(request, self._now()):
            self._waiting(request)
            raise Busy("somebody else is deciding about this change right now")
        self._store.decide(request, REJECTED, actor, why, self._now())
        self._store.release(request)
        return self.get(request)

    def _waiting(self, request: str) -> ChangeRequest:
        known = self.get(request)
        state = known.state(self._now())
        if state == EXPIRED:
            raise RuleViolation(
                f"it expired at {known.expires_at:%Y-%m-%d %H:%M} UTC: ask for it anew",
                code="change_request_expired",
            )
        if state != WAITING:
            raise RuleViolation(
                f"it was {state} by {known.decided_by} already", code="change_request_decided"
            )
        return known

    def _require_same(self, known: ChangeRequest, stake: Stake, up_to: int | None) -> None:
        if dict(stake.differences) == dict(known.stake.differences):
            return
        if up_to is not None and stake.amount <= up_to:
            return
        self._store.show(known.id, stake)
        raise RuleViolation(
            f"it would move {stake.amount} minor units now, not what was shown: look at it again, "
            "and approve it as it is now",
            code="changed_since",
            shown={
                "amount": stake.amount,
                "currency": stake.currency,
                "differences": dict(stake.differences),
                "preview": stake.preview,
            },
        )
