"""Cycles in order: which one holds an instant, opening the next, carrying changes over."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise

from application.ports import Books, OpenBooks
from domain.billing_cycle import BillingCycle
from domain.errors import RuleViolation
from domain.organization import Organization
from domain.period import Period, written_utc

FUTURE_MAX = timedelta(minutes=5)
"""How far in the future something may lie: clocks differ."""

OPENER = "recording"
"""The actor where usage opened a cycle."""


def following(organization: Organization, end: datetime) -> tuple[Period, Period]:
    """The period that begins where another ended, and the full period it is part of.

    They differ only after the anchor or the time zone was changed.
    """
    full = organization.calendar.full_period(end)
    return Period(end, full.end), full


def open_next(books: OpenBooks) -> BillingCycle:
    """End the newest cycle's period and open the cycle that follows, in one change."""
    newest = books.cycles[-1]
    period, full = following(books.organization, newest.period.end)
    books.append(newest, newest.begin_closing(newest.period.end))
    return books.open_cycle(period, full, newest)


def open_until(books: OpenBooks, at: datetime, now: datetime) -> None:
    """Open cycles until one holds an instant.

    Raises:
        RuleViolation: the instant lies too far in the future.
    """
    if at < books.cycles[-1].period.end:
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

    Raises:
        RuleViolation: its invoice is issued, or the instant is too far in the future.
    """
    open_until(books, at, now)
    for cycle in books.cycles:
        if at in cycle.period:
            return cycle
    oldest = books.cycles[0]
    if books.is_first(oldest):
        what = f"the organization's first cycle, which begins {written_utc(oldest.period.start)}"
    else:
        what = f"{oldest.id}, the oldest cycle not issued; date the change into the accruing cycle"
    raise RuleViolation(f"{written_utc(at)} lies before {what}", code="cycle_closed", field="at")


def carry(books: OpenBooks, changed: BillingCycle) -> None:
    """Bring the cycles after a changed one to begin as the one before them ends."""
    later = books.cycles[books.cycles.index(changed) :]
    for previous, cycle in pairwise(later):
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
            RuleViolation: the instant lies too far in the future.
        """
        with self._books.change(organization, actor=OPENER) as books:
            open_until(books, at, self._now())
