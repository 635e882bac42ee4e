"""What is counted and timed as it happens, for whoever watches; the core knows no more of it."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from time import perf_counter
from typing import Protocol

from application.ports import Appended, UsageLog
from domain.errors import CyclebookError
from domain.usage import Outcome, UsageRecord

DONE, FAULT = "done", "internal_error"


class Meters(Protocol):
    """Takes notes. None of them may fail or wait, whoever reads them."""

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered. route: the rule of its address, without ids."""
        ...

    def usage(self, outcome: str, records: int) -> None:
        """So many usage records ended so."""
        ...

    def stripe_call(self, endpoint: str, outcome: str) -> None:
        """A call to Stripe was made. endpoint: a method and an address, without ids."""
        ...

    def sync(self, outcome: str, seconds: float) -> None:
        """A cycle was synced: ``done``, or the code of why not."""
        ...


class Exposition(Meters, Protocol):
    """Meters that can be read."""

    def text(self) -> bytes:
        """Everything that was noted, and what the store says."""
        ...


class NoMeters:
    """Where nobody watches."""

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Nothing."""

    def usage(self, outcome: str, records: int) -> None:
        """Nothing."""

    def stripe_call(self, endpoint: str, outcome: str) -> None:
        """Nothing."""

    def sync(self, outcome: str, seconds: float) -> None:
        """Nothing."""


class MeteredUsageLog:
    """The ``UsageLog`` port over another one, its outcomes counted."""

    def __init__(self, inner: UsageLog, meters: Meters) -> None:
        self._inner = inner
        self._meters = meters

    def append(self, records: Sequence[UsageRecord], *, actor: str, now: datetime) -> Appended:
        """Record a batch."""
        appended = self._inner.append(records, actor=actor, now=now)
        refusals = appended.refusals
        if accepted := len(records) - len(refusals):
            self._meters.usage(Outcome.ACCEPTED.value, accepted)
        if not refusals:
            return appended
        for outcome, records_so in Counter(each.outcome for each in refusals.values()).items():
            self._meters.usage(outcome.value, records_so)
        return appended


def metered_sync(
    sync: Callable[[str, str], object], meters: Meters
) -> Callable[[str, str], object]:
    """The same, timed and counted by how it ended."""

    def timed(cycle: str, actor: str) -> object:
        begun, outcome = perf_counter(), FAULT
        try:
            made = sync(cycle, actor)
            outcome = DONE
        except CyclebookError as error:
            outcome = error.code
            raise
        finally:
            meters.sync(outcome, perf_counter() - begun)
        return made

    return timed
