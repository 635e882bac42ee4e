"""A cycle at the end of each of its local days: one pass over its usage, headers first.

Everything counts as it counts now: a corrected record on the day it happened, a late fact not at
all on an invoice that does not bill it. So the last day is the cycle as it is.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from domain.billing_cycle import BillingCycle, opened
from domain.catalog import Catalog
from domain.cycle.facts import Fact
from domain.events.base import Recorded
from domain.events.cycle import CycleOpened, PriceCorrected
from domain.events.late import CorrectionReverted, UsageCorrected, UsageRetracted
from domain.events.usage import micros
from domain.period import Calendar, Period
from domain.tally import Tallies, Tally, TallyKey
from projections.replay import usage_fold
from projections.usage_tally import GrowingUsage, Stretch, UsageFold, UsageReader, as_it_counts

RESTATING = (UsageRetracted, UsageCorrected, CorrectionReverted, PriceCorrected)
"""Facts that say anew what counted all along, whenever they are said."""


@dataclass(frozen=True, slots=True)
class Day:
    """A local day of a cycle, or the part of it that lies in its period. end: exclusive."""

    day: date
    end: datetime


def days_of(period: Period, time_zone: str) -> list[Day]:
    """The local days of a period, in order.

    >>> from datetime import UTC
    >>> january = Period(datetime(2025, 12, 31, 23, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
    >>> for each in days_of(january, "Europe/Berlin"): print(each.day, each.end)
    2026-01-01 2026-01-01 23:00:00+00:00
    2026-01-02 2026-01-02 00:00:00+00:00
    """
    calendar = Calendar(time_zone, 1)
    day, found = calendar.local_date(period.start), list[Day]()
    end = period.start
    while end < period.end:
        following = day + timedelta(days=1)
        end = min(calendar.midnight(following), period.end)
        found.append(Day(day, end))
        day = following
    return found


def tallies_by_day(
    cycle: BillingCycle, usage: UsageReader, catalog: Catalog, days: Sequence[Day]
) -> list[Tallies]:
    """What usage added on each day; usage before the first counts for it, later for the last."""
    fold = _DailyFold(cycle, catalog, days)
    for stretch in usage.read(fold.whole, cycle.cutoff):
        fold.add(stretch)
    return fold.days


def with_later(
    known: Sequence[Tallies],
    after: int,
    cycle: BillingCycle,
    usage: GrowingUsage,
    catalog: Catalog,
    days: Sequence[Day],
) -> list[Tallies]:
    """The same from what it was at a version of the cycle, whose other facts are what they were.

    known: what usage up to the version ``after`` had added on each day; it stays as it is.
    """
    fold = _DailyFold(cycle, catalog, days)
    for stretch in usage.since(after, fold.whole, cycle.cutoff):
        fold.add(stretch)
    return [
        _joined(before, more, cycle, catalog) for before, more in zip(known, fold.days, strict=True)
    ]


def _joined(before: Tallies, more: Tallies, cycle: BillingCycle, catalog: Catalog) -> Tallies:
    if not more:
        return before
    whole = dict(before)
    for key, tally in more.items():
        joined = _copied(whole[key]) if key in whole else Tally()
        joined.merge(_aggregation(key, cycle, catalog), tally)
        whole[key] = joined
    return whole


def _copied(tally: Tally) -> Tally:
    points = None if tally.points is None else dict(tally.points)
    return replace(tally, values=dict(tally.values), points=points, each=list(tally.each))


def _aggregation(key: TallyKey, cycle: BillingCycle, catalog: Catalog) -> str:
    meter = catalog.meter_for(key.meter, cycle.opened_at)
    assert meter is not None, "usage of a meter that was never defined is not recorded"
    return meter.aggregation


def added_up(cycle: BillingCycle, catalog: Catalog, days: Sequence[Tallies]) -> Iterator[Tallies]:
    """The same from the cycle's begin to the end of each day. Good until the next is asked for."""
    whole: Tallies = {}
    for each in days:
        for key, tally in each.items():
            whole.setdefault(key, Tally()).merge(_aggregation(key, cycle, catalog), tally)
        yield whole


def control_by(history: Sequence[Recorded], cycle: BillingCycle, end: datetime) -> BillingCycle:
    """A cycle without its usage, as it stood when a day ended.

    history: its events without usage, oldest first. cycle: as they have made it.
    """
    found: BillingCycle | None = None
    for recorded in history:
        if isinstance(recorded.event, CycleOpened):
            found = opened(recorded.event, recorded.recorded_at)
        elif found is not None and _counts(recorded, cycle, end):
            found.apply(recorded.event)
    assert found is not None, "every cycle begins by being opened"
    return found


def _counts(recorded: Recorded, cycle: BillingCycle, end: datetime) -> bool:
    if isinstance(recorded.event, Fact) and _is_late(recorded, cycle):
        return False
    return recorded.occurred_at < end or isinstance(recorded.event, RESTATING)


def _is_late(recorded: Recorded, cycle: BillingCycle) -> bool:
    return cycle.cutoff is not None and recorded.version > cycle.cutoff


class _DailyFold:
    """Adds usage up by what rates it, day by day."""

    def __init__(self, cycle: BillingCycle, catalog: Catalog, days: Sequence[Day]) -> None:
        self._cuts = [micros(each.end) for each in days[:-1]]
        self._corrections = cycle.corrections
        first = usage_fold(cycle, catalog)
        self._folds: list[UsageFold] = [first, *(first.another() for _ in self._cuts)]

    @property
    def days(self) -> list[Tallies]:
        return [fold.tallies for fold in self._folds]

    def whole(self, stretch: Stretch) -> bool:
        """Whether each of its tallies lies within one day, and no other boundary in any."""
        one_day = all(self._day(each.lo) == self._day(each.hi) for each in stretch.tallies)
        return one_day and self._folds[0].whole(stretch)

    def add(self, stretch: Stretch) -> None:
        """Take one stretch into account, after all that lie before it in the log."""
        if stretch.records is None:
            for tally in stretch.tallies:
                self._folds[self._day(tally.lo)].add(Stretch(tally.lo, tally.hi, (tally,)))
            return
        for record in stretch.records:
            counted = as_it_counts(record, self._corrections)
            if counted is not None:
                one = Stretch(stretch.lo, stretch.hi, (), (record,))
                self._folds[self._day(counted.at)].add(one)

    def _day(self, at: int) -> int:
        return bisect_right(self._cuts, at)
