"""Group commit: requests that arrive while one commits share the next transaction."""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime

from adapters.postgres.usage_plan import Request
from application.ports import Appended
from domain.errors import StoreUnavailable, Unavailable
from domain.usage import UsageRecord

RECORDS_MAX = 5_000
"""Records in one shared transaction; a single larger request goes alone."""


class _Waiting:
    """A caller that waits for its request to be stored, or to be asked to lead."""

    __slots__ = ("done", "error", "lead", "request", "wake")

    def __init__(self, request: Request) -> None:
        self.request = request
        self.wake = threading.Event()
        self.done = False
        self.lead = False
        self.error: Exception | None = None


class GroupCommit:
    """The ``UsageLog`` port for one process.

    A caller that finds nobody at work leads: it stores its own request and whatever gathers
    meanwhile, then hands the lead on. So an idle process adds no latency and a busy one has
    large transactions, without a timer or a thread of its own.
    """

    def __init__(self, store: Callable[[Sequence[Request]], None]) -> None:
        self._store = store
        self._mutex = threading.Lock()
        self._waiting: list[_Waiting] = []
        self._busy = False

    def append(self, records: Sequence[UsageRecord], *, actor: str, now: datetime) -> Appended:
        """Store a batch; see ``UsageLog``."""
        me = _Waiting(Request(records=records, actor=actor, now=now))
        with self._mutex:
            self._waiting.append(me)
            me.lead = not self._busy
            self._busy = True
        if not me.lead:
            me.wake.wait()
        if me.lead:
            self._commit_with(me)
        if me.error is not None:
            raise me.error
        return Appended(
            refusals=me.request.refusals, position=me.request.position, late=me.request.late
        )

    def _commit_with(self, leader: _Waiting) -> None:
        """Store one group, the leader's request in it, and hand the lead on."""
        group = self._take(leader)
        try:
            self._commit(group)
        except BaseException as error:
            _interrupt(group, error)
            raise
        finally:
            # The next leader first: the database should not wait for those who only go home.
            self._hand_on()
            for waiting in group:
                waiting.wake.set()

    def _hand_on(self) -> None:
        with self._mutex:
            following = self._waiting[0] if self._waiting else None
            self._busy = following is not None
        if following is not None:
            following.lead = True
            following.wake.set()

    def _take(self, leader: _Waiting) -> list[_Waiting]:
        """The requests of the next transaction, in order of arrival."""
        with self._mutex:
            self._waiting.remove(leader)
            group, size = [leader], len(leader.request.records)
            while self._waiting:
                size += len(self._waiting[0].request.records)
                if size > RECORDS_MAX:
                    break
                group.append(self._waiting.pop(0))
            return group

    def _commit(self, group: Sequence[_Waiting]) -> None:
        """Store a group; if that fails, each request of it alone, so that none fails for another's
        sake."""
        try:
            self._store([waiting.request for waiting in group])
        except Exception as error:
            if len(group) == 1 or isinstance(error, Unavailable):
                for waiting in group:
                    waiting.error = error
            else:
                for waiting in group:
                    self._commit([waiting])
                return
        for waiting in group:
            waiting.done = True


def _interrupt(group: Sequence[_Waiting], error: BaseException) -> None:
    """Tell those whose leader ended, by a signal say, before it could tell them anything."""
    for waiting in group:
        if not waiting.done:
            waiting.error = StoreUnavailable("it was interrupted; try again")
            waiting.error.__cause__ = error
            waiting.done = True
