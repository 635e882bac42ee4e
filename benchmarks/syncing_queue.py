"""The queue of syncs in memory and in virtual time, with the pauses of the one in PostgreSQL."""

import heapq
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID, uuid4

from application.pacing import SECOND
from application.projector import QueueCounts, QueuedSync, SyncClaim
from benchmarks.virtual_time import VirtualTime


class Queue:
    """The queue of syncs in memory, with the pauses of the one in PostgreSQL."""

    def __init__(self, time: VirtualTime) -> None:
        self._time = time
        self._random = random.Random(2)
        self._numbers = count()
        self._due: deque[SyncClaim] = deque()
        self._later: list[tuple[int, int, SyncClaim]] = []
        self._held: dict[UUID, SyncClaim] = {}
        self.left = 0
        self.last_left_at = 0
        self.parked: list[str] = []

    def add(self, cycle: str) -> None:
        """One more that is due."""
        self.left += 1
        self._due.append(SyncClaim(cycle=cycle, dirty_position=1, token=uuid4(), attempts=0))

    def claim(self, limit: int = 1, *, high_only: bool = False) -> Sequence[SyncClaim]:
        """The one that is due the longest."""
        while self._later and self._later[0][0] <= self._time.now:
            self._due.append(heapq.heappop(self._later)[2])
        if not self._due:
            return []
        claim = self._due.popleft()
        self._held[claim.token] = claim
        return [claim]

    def heartbeat(self, token: UUID) -> bool:
        """Leases do not run out here."""
        return True

    def done(self, claim: SyncClaim) -> bool:
        """Out of the queue."""
        del self._held[claim.token]
        self._leave()
        return True

    def fail(self, token: UUID, error: str, *, refused: bool = False, park: bool = False) -> bool:
        """Again after a pause, or never."""
        claim = self._held.pop(token)
        if park:
            self.parked.append(f"{claim.cycle}: {error}")
            self._leave()
            return True
        pause = min(900 * SECOND, 5 * SECOND << min(claim.attempts, 20))
        refusals = claim.refusals + refused
        again = replace(claim, attempts=claim.attempts + 1, refusals=refusals)
        self._put(again, self._random.randrange(pause))
        return True

    def give_back(self, token: UUID, wait: timedelta) -> bool:
        """Again, when told."""
        span = wait // timedelta(microseconds=1)
        self._put(self._held.pop(token), span + self._random.randint(0, span))
        return True

    def mark(self, cycle: str, position: int, due_at: datetime) -> None:
        """Nobody asks here."""

    def retry_parked(self, cycle: str | None = None) -> int:
        """Nobody looks after parked ones here."""
        return 0

    def list(
        self, *, parked: bool | None = None, after: str = "", limit: int = 100
    ) -> Sequence[QueuedSync]:
        """Nobody looks."""
        return []

    def counts(self) -> QueueCounts:
        """At a glance."""
        return QueueCounts(waiting=self.left, due=0, leased=0, failing=0, parked=len(self.parked))

    def _leave(self) -> None:
        self.left -= 1
        self.last_left_at = self._time.now

    def _put(self, claim: SyncClaim, wait: int) -> None:
        heapq.heappush(self._later, (self._time.now + wait, next(self._numbers), claim))
