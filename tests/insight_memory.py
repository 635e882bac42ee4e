"""What insight needs besides the books, in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial

from application.insight_ports import AlertLook, MeterDay, PastInvoice
from application.notices import Notice
from domain.billing_cycle import UNISSUED, BillingCycle
from domain.catalog import Meter
from projections.usage_by_day import DailyUsage, Place
from projections.usage_tally import UsageHistory
from tests.memory import MemoryStore


@dataclass(frozen=True, slots=True)
class MemoryUsageDays:
    """The ``UsageDays`` port, counted anew each time."""

    store: MemoryStore

    def days(
        self, organization: str, since: date, until: date, meter: str | None = None
    ) -> Sequence[MeterDay]:
        daily = DailyUsage()
        for name in self.store.cycle_names(organization):
            cycle = self.store.cycle(name)
            place = Place(organization, cycle.time_zone)
            meter_of = partial(self._meter, cycle)
            for stretch in UsageHistory(self.store.history(name)).read(lambda each: False):
                daily.add(place, stretch, meter_of)
        return [
            MeterDay(key.day, key.meter, tally.quantity, tally.records)
            for key, (_, tally) in sorted(daily.days.items())
            if since <= key.day <= until and meter in (None, key.meter)
        ]

    def _meter(self, cycle: BillingCycle, name: str) -> Meter:
        found = self.store.current().meter_for(name, cycle.opened_at)
        assert found is not None
        return found


@dataclass(frozen=True, slots=True)
class MemoryPastInvoices:
    """The ``PastInvoices`` port."""

    store: MemoryStore

    def settled(self, organization: str, before: datetime, limit: int) -> Sequence[PastInvoice]:
        cycles = [self.store.cycle(name) for name in self.store.cycle_names(organization)]
        found = [
            PastInvoice(
                cycle=each.id,
                currency=each.currency,
                start=each.period.start,
                end=each.period.end,
                subtotal=each.settled.subtotal,
                lines=each.settled.lines,
            )
            for each in reversed(cycles)
            if each.settled is not None and not each.is_void and each.period.start < before
        ]
        return found[:limit]


@dataclass(slots=True)
class MemoryNotices:
    """The ``Notices`` port. told: each occurrence once, in order."""

    told: dict[str, Notice] = field(default_factory=dict)

    def announce(self, notices: Sequence[Notice]) -> int:
        new = {each.occurrence: each for each in notices if each.occurrence not in self.told}
        self.told |= new
        return len(new)


@dataclass(slots=True)
class MemoryAlertLooks:
    """The ``AlertLooks`` port: every open cycle is due, each time, after ``extra``."""

    store: MemoryStore
    extra: Sequence[AlertLook] = ()
    found: dict[str, dict[tuple[str, int], datetime]] = field(default_factory=dict)

    def due(self, now: datetime, limit: int) -> Sequence[AlertLook]:
        looks = list(self.extra)
        for organization, names in self.store.names.items():
            for name in names:
                cycle = self.store.cycle(name)
                if cycle.status in UNISSUED and cycle.period.start <= now:
                    looks.append(AlertLook(organization, name, 0, 0))
        return looks[: limit - 1]

    def unseen(self, now: datetime, limit: int) -> Sequence[AlertLook]:
        return self.due(now, limit)

    def reached(self, cycle: str) -> Mapping[tuple[str, int], datetime]:
        return self.found.get(cycle, {})

    def looked(self, look: AlertLook, reached: Sequence[tuple[str, int]], at: datetime) -> None:
        self.found.setdefault(look.cycle, {}).update(dict.fromkeys(reached, at))
