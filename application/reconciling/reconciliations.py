"""Reconciliations: asked for, carried out by a worker or at once, kept and told."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from application.reconciling.ports import Asked, Report, Reports
from application.reconciling.sweep import LEASE, Progress, Sweep
from domain.errors import CyclebookError, InvalidInput, NotFound, StoreUnavailable, Unavailable
from projections.reconciliation import Finding

DAILY = "daily"
"""Who asks for the reconciliation of each day."""

DAILY_BACK = timedelta(days=40)
"""How far back it looks: the cycles that accrue, and those issued since the last month."""

AGAIN_AFTER = timedelta(minutes=1)
"""A day's reconciliation that was asked for twice within this is one."""

ATTEMPTS_MAX = 5
PAGE = 500
LOOKED_AT = 50


class Reconciliations:
    """Compares the books with their projections and with Stripe, and keeps the reports."""

    def __init__(self, reports: Reports, sweep: Sweep, now: Callable[[], datetime]) -> None:
        self._reports = reports
        self._sweep = sweep
        self._now = now

    def request(self, asked: Asked, actor: str) -> Report:
        """Ask for one; a worker carries it out.

        Raises:
            InvalidInput: the window ends before it begins.
        """
        _check(asked)
        return self.get(self._reports.request(asked, actor))

    def request_daily(self, now: datetime, *, anew: bool = False) -> Report | None:
        """Ask for the day's, unless somebody just did. It mends what is safe to mend.

        anew: whatever there is, as for a person, who wants to know how it is now. ``None`` where
        there is nothing to compare yet.
        """
        asked = Asked(start=now - DAILY_BACK, repair=True)
        if anew:
            return self.get(self._reports.request(asked, DAILY))
        number = self._reports.request(asked, DAILY, unless_since=now - AGAIN_AFTER)
        if number:
            return self.get(number)
        newest = self._reports.list(None, LOOKED_AT)
        mine = (each for each in newest if each.requested_by == DAILY)
        return next((each for each in mine if each.requested_at > now - AGAIN_AFTER), None)

    def run(self, asked: Asked, actor: str, on_progress: Progress) -> Report:
        """Carry one out here and now; what went wrong stands in its report.

        Raises:
            InvalidInput: the window ends before it begins.
            StoreUnavailable: the database does not answer.
        """
        _check(asked)
        now = self._now()
        begun = self._reports.begin(asked, actor, now, now + LEASE)
        try:
            self._carry_out(begun, on_progress, again=False)
        except KeyboardInterrupt:
            self._reports.finish(begun, self._now(), "interrupted")
            raise
        return self.get(begun.id)

    def step(self) -> bool:
        """Carry out the next one that was asked for; whether there was one.

        Raises:
            Unavailable: Stripe or the store is away; it is begun anew later.
        """
        now = self._now()
        claimed = self._reports.claim(now, now + LEASE)
        if claimed is None:
            return False
        self._carry_out(claimed, lambda done, expected: None, again=claimed.attempt < ATTEMPTS_MAX)
        return True

    def get(self, report: int) -> Report:
        """One report.

        Raises:
            NotFound: there is none.
        """
        found = self._reports.get(report)
        if found is None:
            raise NotFound(f"there is no reconciliation {report}")
        return found

    def list(self, before: int | None, limit: int) -> Sequence[Report]:
        """The newest first."""
        return self._reports.list(before, limit)

    def findings(self, report: int, after: int, limit: int) -> Sequence[tuple[int, Finding]]:
        """What one found, each with its number."""
        return self._reports.findings(report, after, limit)

    def every_finding(self, report: int) -> Iterator[Finding]:
        """All that one found, however much."""
        after = 0
        while page := self._reports.findings(report, after, PAGE):
            yield from (finding for _, finding in page)
            after = page[-1][0]

    def _carry_out(self, report: Report, on_progress: Progress, *, again: bool) -> None:
        problem: str | None = None
        try:
            self._sweep.run(report, on_progress)
        except StoreUnavailable:
            raise
        except CyclebookError as error:
            if again and isinstance(error, Unavailable):
                raise
            problem = f"{error.code}: {error}"
        except Exception as error:
            self._reports.finish(report, self._now(), f"{type(error).__name__}: {error}")
            raise
        self._reports.finish(report, self._now(), problem)


def _check(asked: Asked) -> None:
    if asked.start is not None and asked.end is not None and asked.end <= asked.start:
        raise InvalidInput("from must lie before to", field="from")
