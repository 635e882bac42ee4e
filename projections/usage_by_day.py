"""Usage by local day of the organization, as it counts now: a pure fold, headers first.

What is recorded adds to a day. A highest or latest value cannot be taken back from a day, so
those that a correction touches are counted again, from the records.
"""

from collections.abc import Callable, Container, Iterable, Set
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from domain.attribution import FILTERED
from domain.catalog import Meter
from domain.correction import Correction, Corrections, RecordId
from domain.events.late import CorrectionReverted, UsageCorrected, UsageRetracted
from domain.events.usage import HeaderTally, PackedRecord, instant, micros
from domain.period import Calendar
from domain.tally import Tally, removes
from projections.usage_tally import NEEDS_RECORDS, Stretch, as_it_counts

DAY_US = 86_400_000_000

_LAST_FOUND: dict[str, tuple[int, int, date]] = {}
"""By zone: usage comes in order of time, so the next instant is mostly of the same day."""

SHOWN_AS = {"time_weighted": "latest"}
"""A day shows the last value of what is measured over time; others as they add up, and distinct
values whether or not they are removed later."""


class DayKey(NamedTuple):
    """One bar of a chart."""

    organization: str
    meter: str
    day: date


@dataclass(frozen=True, slots=True)
class Place:
    """Whose usage it is, and where their days begin. zone: an IANA name."""

    organization: str
    zone: str


MeterNamed = Callable[[str], Meter]
"""The version of a meter in force in the cycle at hand."""

Days = dict[DayKey, tuple[str, Tally]]
"""What to add, with how it adds up: ``sum count max latest unique``."""


class DailyUsage:
    """What some usage adds to each day, in the log's order."""

    def __init__(self) -> None:
        self.days: Days = {}

    def whole(self, place: Place, stretch: Stretch, meter_of: MeterNamed) -> bool:
        """Whether a header says enough: each tally within one day, and one number each."""
        return all(
            day_of(place.zone, tally.lo) == day_of(place.zone, tally.hi)
            and meter_of(tally.meter).aggregation not in NEEDS_RECORDS
            for tally in stretch.tallies
        )

    def add(self, place: Place, stretch: Stretch, meter_of: MeterNamed) -> None:
        """Take one stretch into account, after all that lie before it in the log."""
        if stretch.records is None:
            for tally in stretch.tallies:
                if tally.attachment == FILTERED:
                    continue
                shown, found = self._find(place, meter_of(tally.meter), tally.hi)
                found.add(shown, tally.quantity, tally.hi, tally.records)
                found.latest_at = max(found.latest_at, tally.hi)
            return
        for record in stretch.records:
            self._record(place, record, meter_of(record.meter))

    def _record(self, place: Place, record: PackedRecord, meter: Meter) -> None:
        if not meter.counts(record.properties):
            return
        shown, found = self._find(place, meter, record.at)
        if shown == "unique" and removes(record.properties):
            found.records += 1
        else:
            found.add(shown, record.value, record.at)
        found.latest_at = max(found.latest_at, record.at)

    def _find(self, place: Place, meter: Meter, at: int) -> tuple[str, Tally]:
        key = DayKey(place.organization, meter.id, day_of(place.zone, at))
        found = self.days.get(key)
        if found is None:
            shown = SHOWN_AS.get(meter.aggregation, meter.aggregation)
            found = self.days[key] = shown, Tally()
        return found


class Recount(DailyUsage):
    """Some days counted again from the log, with every record as it counts now."""

    def __init__(self, wanted: Set[DayKey]) -> None:
        super().__init__()
        self._wanted = wanted
        self._opened = set(wanted)
        self._corrections: dict[RecordId, Correction] = {}

    def correct(self, place: Place, corrections: Corrections) -> None:
        """Let a cycle's corrections count, before its usage is added."""
        self._corrections |= corrections
        for each in corrections.values():
            if each.becomes is not None and _key(place, each.becomes) in self._wanted:
                self._opened.add(_key(place, each.record))

    def whole(self, place: Place, stretch: Stretch, meter_of: MeterNamed) -> bool:
        """Whether a stretch has nothing to do with these days: it is left out as a whole."""
        return not any(self._may_hold(place, tally) for tally in stretch.tallies)

    def add(self, place: Place, stretch: Stretch, meter_of: MeterNamed) -> None:
        """Take one stretch into account, after all that lie before it in the log."""
        for recorded in stretch.records or ():
            record = as_it_counts(recorded, self._corrections)
            if record is not None and _key(place, record) in self._wanted:
                self._record(place, record, meter_of(record.meter))

    def _may_hold(self, place: Place, tally: HeaderTally) -> bool:
        first, last = day_of(place.zone, tally.lo), day_of(place.zone, tally.hi)
        return any(
            (key.organization, key.meter) == (place.organization, tally.meter)
            and first <= key.day <= last
            for key in self._opened
        )


CORRECTIONS = (UsageRetracted, UsageCorrected, CorrectionReverted)


def days_touched(place: Place, history: Iterable[object], ids: Container[RecordId]) -> set[DayKey]:
    """The days on which some records of a cycle count, or ever did.

    history: the cycle's events up to now, without its usage.
    """
    found: set[DayKey] = set()
    for event in history:
        if isinstance(event, CORRECTIONS) and (event.source, event.id) in ids:
            found.add(_key(place, event.record))
            if isinstance(event, UsageCorrected):
                found.add(_key(place, event.becomes))
    return found


def _key(place: Place, record: PackedRecord) -> DayKey:
    return DayKey(place.organization, record.meter, day_of(place.zone, record.at))


def day_of(zone: str, at: int) -> date:
    """The local day an instant falls on. at: microseconds since 1970.

    >>> day_of("Europe/Berlin", 1_767_222_000_000_000).isoformat()  # 2025-12-31 23:00 UTC
    '2026-01-01'
    """
    start, end, day = _LAST_FOUND.get(zone, (0, 0, date.min))
    if start <= at < end:
        return day
    for start, end, day in _days_around(zone, at // DAY_US):
        if start <= at < end:
            _LAST_FOUND[zone] = start, end, day
            return day
    raise ValueError(f"no day of {zone} holds {at}")


@lru_cache(maxsize=4096)
def _days_around(zone: str, utc_day: int) -> tuple[tuple[int, int, date], ...]:
    """The local days that touch a day in UTC: from, until (microseconds), day."""
    calendar = Calendar(zone, 1)
    middle = instant(utc_day * DAY_US).date()
    days = [middle + timedelta(days=offset) for offset in range(-2, 4)]
    cuts = [micros(calendar.midnight(day)) for day in days]
    return tuple(zip(cuts, cuts[1:], days[:-1], strict=False))
