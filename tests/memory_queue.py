"""A queue of syncs in memory that remembers what it was told."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from application.projector import QueueCounts, QueuedSync, SyncClaim


class MemoryQueue:
    """A queue of syncs in memory that remembers what it was told."""

    def __init__(self, *cycles: str, **about: Any) -> None:
        known = {"dirty_position": 1, "attempts": 0} | about
        self._claims = [SyncClaim(cycle=cycle, token=uuid4(), **known) for cycle in cycles]
        self.told: list[str] = []
        self._names = {claim.token: claim.cycle for claim in self._claims}

    def claim(self, limit: int = 1, *, high_only: bool = False) -> Sequence[SyncClaim]:
        taken, self._claims = self._claims[:limit], self._claims[limit:]
        return taken

    def heartbeat(self, token: UUID) -> bool:
        return True

    def done(self, claim: SyncClaim) -> bool:
        self.told.append(f"{claim.cycle} done")
        return True

    def fail(self, token: UUID, error: str, *, refused: bool = False, park: bool = False) -> bool:
        counted = " and counted" if refused and not park else ""
        becomes = "parked" if park else f"again{counted}"
        self.told.append(f"{self._names[token]} {becomes}: {error}")
        return True

    def give_back(self, token: UUID, wait: timedelta) -> bool:
        self.told.append(f"{self._names[token]} back for {wait.total_seconds():g} s")
        return True

    def mark(self, cycle: str, position: int, due_at: datetime) -> None: ...

    def retry_parked(self, cycle: str | None = None) -> int:
        return 0

    def list(
        self,
        *,
        parked: bool | None = None,
        failed_only: bool = False,
        after: str = "",
        limit: int = 100,
    ) -> Sequence[QueuedSync]:
        return []

    def counts(self) -> QueueCounts:
        return QueueCounts(waiting=0, due=0, leased=0, failing=0, parked=0)


class MarkedQueue(MemoryQueue):
    """An empty queue that remembers what was marked."""

    def __init__(self) -> None:
        super().__init__()
        self.marked: list[str] = []

    def mark(self, cycle: str, position: int, due_at: datetime) -> None:
        self.marked.append(cycle)
