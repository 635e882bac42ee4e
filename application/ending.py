"""Ending: bill now, and close and reopen an organization."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from application.changing import Effect, Runner
from application.cycles import FUTURE_MAX, every_cycle, open_until
from application.ports import OpenBooks
from domain.billing_cycle import BillingCycle, Status
from domain.errors import InvalidInput, RuleViolation
from domain.events.usage import EPOCH
from domain.period import written_utc
from domain.text import written

REASON_MAX = 400
Answer = TypeVar("Answer")


class Ending(Generic[Answer]):
    """Ends cycles before their time. Every command may be repeated: it counts once."""

    def __init__(self, run: Runner[Answer], now: Callable[[], datetime]) -> None:
        self._run = run
        self._now = now

    def bill_now(self, organization: str, reason: str, *, at: datetime, actor: str) -> Answer:
        """End the accruing cycle at an instant; the next one goes on from there.

        Raises:
            NotFound: no such organization.
            InvalidInput: the instant cannot be used.
            RuleViolation: something is dated after it, or the organization is closed.
        """
        why, end = written(reason, "reason", REASON_MAX), self._whole_second(at)

        def change(books: OpenBooks) -> Effect:
            open_until(books, end, self._now())
            return end_early(books, end, why)

        return self._run(organization, change, actor=actor)

    def close(self, organization: str, reason: str, *, at: datetime, actor: str) -> Answer:
        """Detach everything at an instant and end the cycle there; a final invoice follows.

        Raises:
            NotFound: no such organization.
            InvalidInput: the instant cannot be used.
            RuleViolation: something is dated after it.
        """
        why, end = written(reason, "reason", REASON_MAX), self._whole_second(at)

        def change(books: OpenBooks) -> Effect:
            if books.organization.closed_at is not None:
                return Effect(cycle=None, recorded=False)
            open_until(books, end - timedelta(microseconds=1), self._now())
            cycle = books.cycles[-1]
            _require_nothing_later(books, cycle, end)
            books.append(cycle, cycle.detach_all(end))
            books.append(cycle, cycle.begin_closing(end, why))
            books.append_organization(books.organization.close(why, end))
            return Effect(cycle=cycle.id, recorded=True)

        return self._run(organization, change, actor=actor)

    def reopen(self, organization: str, reason: str, *, at: datetime, actor: str) -> Answer:
        """Begin a new cycle at an instant. Nothing is attached in it.

        Raises:
            NotFound: no such organization.
            InvalidInput: it was not closed by then, or the instant lies in the future.
        """
        why, start = written(reason, "reason", REASON_MAX), self._whole_second(at)

        def change(books: OpenBooks) -> Effect:
            if not (events := books.organization.reopen(why, start)):
                return Effect(cycle=None, recorded=False)
            newest = every_cycle(books)[-1]
            books.append_organization(events)
            period, full = books.organization.period_after(start)
            opened = books.open_cycle(period, full, newest)
            return Effect(cycle=opened.id, recorded=True)

        return self._run(organization, change, actor=actor, since=EPOCH)

    def _whole_second(self, at: datetime) -> datetime:
        """Stripe's periods are in whole seconds; a cycle never ends between two.

        The next one: what was dated within the second, just before, is not too late.
        """
        if at > self._now() + FUTURE_MAX:
            raise InvalidInput(f"{written_utc(at)} lies in the future", field="at")
        whole = at.replace(microsecond=0)
        return whole if whole == at else whole + timedelta(seconds=1)


def end_early(books: OpenBooks, end: datetime, why: str) -> Effect:
    """End the newest cycle at an instant within it, and open the one that goes on from there.

    Raises:
        RuleViolation: something is dated after it.
    """
    cycle = books.cycles[-1]
    if end == cycle.period.start:
        return Effect(cycle=cycle.id, recorded=False)
    _require_nothing_later(books, cycle, end)
    books.append(cycle, cycle.begin_closing(end, why))
    period, full = books.organization.period_after(end)
    books.open_cycle(period, full, cycle)
    return Effect(cycle=cycle.id, recorded=True)


def _require_nothing_later(books: OpenBooks, cycle: BillingCycle, end: datetime) -> None:
    """Refuse to end a period before something in it is dated."""
    if cycle.status is not Status.ACCRUING:
        raise RuleViolation(f"{cycle.id} is {cycle.status}", code="not_accruing", cycle=cycle.id)
    last = last_dated(books, cycle)
    if last > end:
        raise RuleViolation(
            f"something in {cycle.id} is dated {written_utc(last)}; choose a later instant",
            code="dated_later",
            cycle=cycle.id,
            field="at",
        )


def last_dated(books: OpenBooks, cycle: BillingCycle) -> datetime:
    """When the last thing in a cycle is dated; its beginning, where there is none."""
    return max([*_instants(cycle), *books.last_usage(cycle)], default=cycle.period.start)


def _instants(cycle: BillingCycle) -> list[datetime]:
    """When attachments and items of a cycle are dated."""
    runs = [run for known in cycle.attachments.values() for run in known.runs]
    ends = [run.until for run in runs if run.until is not None]
    begins = [since for run in runs for since, _ in run.quantities]
    return [*begins, *ends, *(item.at for item in cycle.items.values())]
