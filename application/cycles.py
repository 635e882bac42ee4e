"""Cycles in order: which one holds an instant, opening the next, carrying changes over."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise

from application.ports import Books, OpenBooks
from domain.billing_cycle import BillingCycle
from domain.errors import RuleViolation
from domain.period import written_utc

FUTURE_MAX = timedelta(minutes=5)
"""How far in the future something may lie: clocks differ."""

OPENER = "recording"
"""The actor where usage opened a cycle."""


def every_cycle(books: OpenBooks) -> list[BillingCycle]:
    """All cycles that are locked, issued ones too, oldest first."""
    return sorted([*books.issued, *books.cycles], key=lambda cycle: cycle.period.start)


def follows(cycle: BillingCycle, later: BillingCycle) -> bool:
    """Whether a cycle begins where another ends: after a closed organization none does."""
    return later.period.start == cycle.period.end


def open_next(books: OpenBooks) -> BillingCycle:
    """End the newest cycle's period and open the cycle that follows, in one change."""
    newest = books.cycles[-1]
    books.append(newest, newest.begin_closing(newest.period.end))
    period, full = books.organization.period_after(newest.period.end)
    return books.open_cycle(period, full, newest)


def open_until(books: OpenBooks, at: datetime, now: datetime) -> None:
    """Open cycles until one holds an instant.

    Raises:
        RuleViolation: the instant lies too far in the future, or the organization is closed.
    """
    closed_at = books.organization.closed_at
    if closed_at is not None and at >= closed_at:
        raise RuleViolation(
            f"{books.organization.id} is closed since {written_utc(closed_at)}; reopen it first",
            code="organization_closed",
            field="at",
        )
    if not books.cycles or at < books.cycles[-1].period.end:
        return
    if at > now + FUTURE_MAX:
        raise RuleViolation(
            f"{written_utc(at)} lies after the open cycle and in the future; "
            "say it again when the time has come",
            code="in_the_future",
            field="at",
        )
    while at >= books.cycles[-1].period.end:
        open_next(books)


def cycle_at(books: OpenBooks, at: datetime, now: datetime) -> BillingCycle:
    """The cycle that an instant falls into; cycles that are due to be open are opened.

    It may be one whose usage is cut off: the change is then a late fact, as far as the
    organization's policies take it.

    Raises:
        RuleViolation: there is no cycle at that instant, it is too far in the future, or too
            late for that cycle.
    """
    open_until(books, at, now)
    for cycle in every_cycle(books):
        if at in cycle.period:
            if not cycle.accepts_usage:
                require_late_taken(books, cycle, now)
            return cycle
    raise RuleViolation(
        f"{books.organization.id} had no billing cycle at {written_utc(at)}",
        code="no_cycle",
        field="at",
    )


def require_late_taken(books: OpenBooks, cycle: BillingCycle, now: datetime) -> None:
    """Refuse a late fact that the organization's policies do not take.

    Raises:
        RuleViolation: they take none, the cycle lies too far back, or it was written off.
    """
    policy = books.organization.policy
    since = [each for each in every_cycle(books) if cycle.period.start < each.period.start <= now]
    if policy("late_facts") == "reject":
        code, why = "late_rejected", "its organization takes no late facts"
    elif len(since) > int(str(policy("late_limit_cycles"))):
        code, why = "too_late", "it lies further back than late facts are taken"
    elif cycle.forgiven:
        code, why = "written_off", "its invoice was forgiven"
    else:
        return
    raise RuleViolation(
        f"{cycle.id} is {cycle.status} and {why}; date the change into the accruing cycle",
        code=code,
        cycle=cycle.id,
        field="at",
    )


def carry(books: OpenBooks, changed: BillingCycle) -> None:
    """Bring the cycles after a changed one to begin as the one before them ends."""
    cycles = every_cycle(books)
    later = cycles[cycles.index(changed) :]
    for previous, cycle in pairwise(later):
        if not follows(previous, cycle):
            return
        if events := cycle.carry_from(previous):
            books.append(cycle, events)


class CycleOpener:
    """Opens the cycles that a usage record needs, before the clock's own turn.

    now: the clock, aware UTC.
    """

    def __init__(self, books: Books, now: Callable[[], datetime]) -> None:
        self._books = books
        self._now = now

    def __call__(self, organization: str, at: datetime) -> None:
        """Open an organization's cycles until one holds ``at``. Twice does nothing.

        Raises:
            NotFound: there is no such organization.
            RuleViolation: the instant lies too far in the future, or the organization is closed.
        """
        with self._books.change(organization, actor=OPENER) as books:
            open_until(books, at, self._now())
