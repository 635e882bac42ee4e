"""Closing whatever is due, organization by organization; what cannot go on waits its turn."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Thread

from application.closing import Advance
from domain.errors import CyclebookError, StoreUnavailable

ACTOR = "scheduler"
AT_ONCE = 100
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(minutes=15)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Pause:
    until: datetime
    times: int


class ClosingDue:
    """The scheduler's first duty.

    due: organizations with something to do by an instant, those waiting longest first.
    advance: takes one organization's cycles as far as they go. One whose cycles cannot go on, or
    with nothing to do after all, or whose run broke off, is left alone for a while, and so keeps
    nobody else waiting. side_by_side: how many are advanced at once; issuing mostly waits for
    Stripe.
    """

    def __init__(
        self,
        due: Callable[[datetime, int], Sequence[str]],
        advance: Callable[[str, datetime, str], Advance],
        side_by_side: int = 1,
    ) -> None:
        self._due = due
        self._advance = advance
        self._side_by_side = side_by_side
        self._pauses: dict[str, _Pause] = {}

    def run(self, now: datetime) -> bool:
        """Advance some organizations; whether there may be more to do at once.

        Raises:
            StoreUnavailable: the database does not answer; nothing is lost.
        """
        found = self._due(now, AT_ONCE + len(self._pauses))
        self._pauses = {each: pause for each, pause in self._pauses.items() if each in found}
        ready = [each for each in found if not self._is_paused(each, now)][:AT_ONCE]
        for first in range(0, len(ready), self._side_by_side):
            self._advance_together(ready[first : first + self._side_by_side], now)
        return len(ready) == AT_ONCE

    def _is_paused(self, organization: str, now: datetime) -> bool:
        pause = self._pauses.get(organization)
        return pause is not None and now < pause.until

    def _advance_together(self, organizations: Sequence[str], now: datetime) -> None:
        lost: list[StoreUnavailable] = []

        def advance(organization: str) -> None:
            try:
                self._advance_one(organization, now)
            except StoreUnavailable as error:
                lost.append(error)

        # Daemons: a process that is told to stop does not wait for what hangs.
        threads = [Thread(target=advance, args=[each], daemon=True) for each in organizations]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if lost:
            raise lost[0]

    def _advance_one(self, organization: str, now: datetime) -> None:
        try:
            done = self._advance(organization, now, ACTOR)
        except StoreUnavailable:
            raise
        except Exception as error:  # one organization's trouble is not the others'
            trace = None if isinstance(error, CyclebookError) else error
            log.error("closing %s broke off: %s", organization, error, exc_info=trace)
            self._pause(organization, now)
            return
        for each in done.waiting:
            log.warning("%s waits: %s (%s)", each.cycle, each.reason, each.code)
        if done.waiting or not done.did_something:
            self._pause(organization, now)
        else:
            self._pauses.pop(organization, None)

    def _pause(self, organization: str, now: datetime) -> None:
        known = self._pauses.get(organization)
        times = known.times + 1 if known else 0
        until = now + min(FIRST_PAUSE * (1 << min(times, 10)), LONGEST_PAUSE)
        self._pauses[organization] = _Pause(until, times)
