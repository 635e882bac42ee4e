"""A queue of syncs in memory that remembers what it was told."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from application.projector import QueueCounts, QueuedSync, SyncClaim


class MemoryQueue:
    """A queue of syncs in memory that remembers what it was told."""

    def __init__(self, *cycles: str, attempts: int = 0) -> None:
        self._claims = [
            SyncClaim(cycle=cycle, dirty_position=1, token=uuid4(), attempts=attempts)
            for cycle in cycles
        ]
        self.told: list[str] = []
        self._names = {claim.token: claim.cycle for claim in self._claims}

    def claim(self, limit: int = 1) -> Sequence[SyncClaim]:
        taken, self._claims = self._claims[:limit], self._claims[limit:]
        return taken

    def heartbeat(self, token: UUID) -> bool:
        return True

    def done(self, claim: SyncClaim) -> bool:
        self.told.append(f"{claim.cycle} done")
        return True

    def fail(self, token: UUID, error: str, *, park: bool = False) -> bool:
        self.told.append(f"{self._names[token]} {'parked' if park else 'again'}: {error}")
        return True

    def mark(self, cycle: str, position: int, due_at: datetime) -> None: ...

    def retry_parked(self, cycle: str | None = None) -> int:
        return 0

    def list(
        self, *, parked: bool | None = None, after: str = "", limit: int = 100
    ) -> Sequence[QueuedSync]:
        return []

    def counts(self) -> QueueCounts:
        return QueueCounts(waiting=0, due=0, leased=0, failing=0, parked=0)
