"""What the ways in and the workers need of the projections, and of the queue of syncs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class Lag:
    """How far the projections are behind the log. age: of the oldest event they lack."""

    position: int
    last: int
    age: timedelta


class Projector(Protocol):
    """Keeps the projections up with the log, each event exactly once."""

    def step(self) -> bool:
        """Fold the next page of the log; whether there may be more at once."""
        ...

    def position(self) -> int:
        """The last position folded."""
        ...

    def lag(self) -> Lag:
        """How far behind."""
        ...

    def wait_for(self, position: int, timeout_s: int) -> bool:
        """Wait until a position is folded; whether it was in time."""
        ...


class Rebuilder(Protocol):
    """Makes projections anew from the log."""

    def rebuild(self, name: str = "all") -> int:
        """Build one projection, or all, from position 0 and put it in place; events read.

        Raises:
            NotFound: there is no such projection.
            Busy: another rebuild is under way.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncClaim:
    """A cycle that a worker has for a while. dirty_position: what the sync must cover.

    attempts: failures so far; refusals: those among them that waiting does not mend. high:
    whether it goes before others.
    """

    cycle: str
    dirty_position: int
    token: UUID
    attempts: int
    refusals: int = 0
    high: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class QueuedSync:
    """A cycle in the queue, for people. leased: a worker has it. parked: it waits for a person."""

    cycle: str
    dirty_position: int
    due_at: datetime
    priority: int
    attempts: int
    leased: bool
    parked: bool
    last_error: str | None
    failed_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueCounts:
    """The queue at a glance. failing: tried in vain, and to be tried again."""

    waiting: int
    due: int
    leased: int
    failing: int
    parked: int


class SyncQueue(Protocol):
    """Which cycles' drafts may be out of step, and who is at them."""

    def claim(self, limit: int = 1, *, high_only: bool = False) -> Sequence[SyncClaim]:
        """Take due cycles, the most urgent first; nobody else gets them while the lease lasts.

        high_only: none of those that can wait.
        """
        ...

    def heartbeat(self, token: UUID) -> bool:
        """Prolong a lease; whether it was still held."""
        ...

    def done(self, claim: SyncClaim) -> bool:
        """The sync succeeded: leave the queue, unless more has happened since. Whether it left."""
        ...

    def fail(self, token: UUID, error: str, *, refused: bool = False, park: bool = False) -> bool:
        """The sync failed: try again later, or ``park`` it for a person. Whether it was held.

        refused: it counts against the cycle, because waiting does not mend it.
        """
        ...

    def give_back(self, token: UUID, wait: timedelta) -> bool:
        """The sync could not be tried: somebody takes it again after a while. Whether held."""
        ...

    def mark(self, cycle: str, position: int, due_at: datetime) -> None:
        """Ask for a sync by an instant, before all others; a parked cycle is tried again."""
        ...

    def retry_parked(self, cycle: str | None = None) -> int:
        """Try parked cycles again at once, one or all; how many."""
        ...

    def list(
        self,
        *,
        parked: bool | None = None,
        failed_only: bool = False,
        after: str = "",
        limit: int = 100,
    ) -> Sequence[QueuedSync]:
        """What is in the queue, by cycle, after a cycle. failed_only: what was tried in vain."""
        ...

    def counts(self) -> QueueCounts:
        """How much is in the queue."""
        ...
