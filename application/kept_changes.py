"""Changes that wait for a second person: what was asked, what it would do, where it is kept."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

LASTS = timedelta(days=7)
"""How long a request waits."""

LEFT_FOR = timedelta(seconds=60)
"""How long one that broke off is left alone once that was seen: the store may be at it yet."""

WAITING, EXPIRED, APPROVED, REJECTED = "waiting", "expired", "approved", "rejected"
STATES = (WAITING, EXPIRED, APPROVED, REJECTED)


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

    above: the limit when it was asked. stake: as it was last shown. begun_by: who approved it,
    while it is carried out, or where that broke off; begun_after: the log's position before.
    in_part: it broke off, and the log was looked at: a part of it was done.
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
    begun_by: str | None = None
    begun_reason: str | None = None
    begun_after: int | None = None
    in_part: bool = False

    @property
    def is_uncertain(self) -> bool:
        """Whether the log has to tell what was done, or somebody is at it."""
        return self.begun_by is not None and self.decision is None and not self.in_part

    def state(self, now: datetime) -> str:
        """One of ``STATES``. What was begun does not expire."""
        over = self.expires_at <= now and self.begun_by is None
        return self.decision or (EXPIRED if over else WAITING)

    @property
    def approved_by(self) -> str:
        """What begins the actor of each event that it leads to."""
        return f"{self.actor}, approved by "

    @property
    def name(self) -> str:
        """What ends the actor of each event that it leads to."""
        return f", change request {self.id}"

    @property
    def digest(self) -> str:
        """Of what is asked and what it would do, as it was last shown: what an approval is of."""
        asked, stake = self.asked, self.stake
        shown = [asked.operation, dict(asked.path), dict(asked.query), asked.body]
        shown += [stake.amount, stake.currency, dict(stake.differences)]
        text = json.dumps([self.id, *shown], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def actor_of(self, approver: str) -> str:
        """Whom events name that this leads to: who asked, who approved, and the request."""
        return f"{self.approved_by}{approver}{self.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Consent:
    """Somebody's approval. up_to: minor units that are accepted whatever changed since.
    digest: of what the approver has seen, see ``ChangeRequest``; ``None`` for what was shown last.
    """

    actor: str
    reason: str | None = None
    up_to: int | None = None
    digest: str | None = None


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

    def alone(self, request: str) -> AbstractContextManager[bool]:
        """Keep others from deciding, at most while this process lives. ``False``: another does, or
        was first seen to have died doing it less than ``LEFT_FOR`` ago."""
        ...

    def begin(self, request: str, actor: str, reason: str | None) -> None:
        """Note that it is approved and about to be carried out, or to be finished."""
        ...

    def note_in_part(self, request: str) -> None:
        """A part of it was carried out, and nobody is at it."""
        ...

    def forget_begun(self, request: str) -> None:
        """It was not carried out after all."""
        ...

    def uncertain(self) -> Sequence[str]:
        """Those that are being carried out, or were when something broke off."""
        ...

    def traces(self, known: ChangeRequest) -> Sequence[object]:
        """The events that one which was begun has led to, and all answers of Stripe since."""
        ...

    def show(self, request: str, stake: Stake) -> None:
        """Remember what was shown last."""
        ...

    def decide(
        self, request: str, decision: str, actor: str, reason: str | None, at: datetime
    ) -> None:
        """Note what became of one."""
        ...
