"""Usage records found again: where each is in the books, and what rates it."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from application.ports import CatalogReader
from domain.attribution import UNPRICED, Attribution
from domain.billing_cycle import BillingCycle
from domain.errors import InvalidInput
from domain.events.usage import HeaderTally, PackedRecord, instant, micros
from domain.identity import parse_cycle_name
from domain.usage import UsageRecord

SCANNED_MAX = 50_000
"""Events and records one page looks at; what is rare may take several pages to find."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which records of an organization. ``start`` and ``end`` bound ``occurred_at``, half-open.

    ``None`` leaves a condition out.
    """

    organization: str
    meter: str | None = None
    source: str | None = None
    id: str | None = None
    start: datetime | None = None
    end: datetime | None = None

    def may_be_among(self, tallies: Sequence[HeaderTally]) -> bool:
        """Whether an event with these tallies can hold such a record."""
        lo, hi = self._bounds()
        return any(
            self.meter in (None, tally.meter) and tally.hi >= lo and tally.lo < hi
            for tally in tallies
        )

    def holds(self, record: PackedRecord) -> bool:
        """Whether a record of the organization is such a one."""
        lo, hi = self._bounds()
        return (
            self.meter in (None, record.meter)
            and self.source in (None, record.source)
            and self.id in (None, record.id)
            and lo <= record.at < hi
        )

    def _bounds(self) -> tuple[int, int]:
        lo = 0 if self.start is None else micros(self.start)
        return lo, 1 << 62 if self.end is None else micros(self.end)


class Place(NamedTuple):
    """Where a record stands in its organization's books: cycle, event, place within it."""

    cycle: str
    version: int
    record: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredUsage:
    """One usage event. records: empty where none of them can be wanted."""

    cycle: BillingCycle
    version: int
    recorded_at: datetime
    records: Sequence[PackedRecord]


class UsageArchive(Protocol):
    """Reads recorded usage back."""

    def search(
        self, wanted: Wanted, begin: Place | None
    ) -> AbstractContextManager[Iterator[StoredUsage]]:
        """An organization's usage events in order from a place on, that one included.

        Raises:
            NotFound: there is no such organization.
        """
        ...

    def holding(self, source: str, identity: str) -> StoredUsage | None:
        """The event that holds the record accepted under (source, id); found without a scan."""
        ...


class RatedBy(NamedTuple):
    """What rates a record: a price version, and the attachment that carries it."""

    attachment: str
    price: str


@dataclass(kw_only=True, slots=True)
class RecordedUsage(UsageRecord):
    """A usage record in the books. rated_by: ``None`` while it is unpriced."""

    cycle: str
    version: int
    recorded_at: datetime
    rated_by: RatedBy | None


@dataclass(frozen=True, kw_only=True, slots=True)
class UsagePage:
    """Some records in the log's order, cycle by cycle. ``next_cursor``: ``None`` at the end.

    A page may be short, even empty, while there is more to look at.
    """

    data: tuple[RecordedUsage, ...]
    next_cursor: str | None


class UsageRecords:
    """Finds usage records; changes nothing."""

    def __init__(self, archive: UsageArchive, catalog: CatalogReader) -> None:
        self._archive = archive
        self._catalog = catalog

    def page(self, wanted: Wanted, cursor: str | None = None, limit: int = 100) -> UsagePage:
        """A page of an organization's records.

        Raises:
            NotFound: there is no such organization.
            InvalidInput: the cursor is none of this list.
        """
        begin = None if cursor is None else _place(wanted.organization, cursor)
        if wanted.source is not None and wanted.id is not None:
            return self._one(wanted, wanted.source, wanted.id)
        found: list[RecordedUsage] = []
        scanned, raters = 0, _Raters(self._catalog)
        with self._archive.search(wanted, begin) as events:
            for event in events:
                for place, record in _from(begin, event):
                    if not wanted.holds(record):
                        continue
                    if len(found) == limit:
                        return UsagePage(data=tuple(found), next_cursor=_cursor(place))
                    found.append(raters.recorded(event, record))
                scanned += 1 + len(event.records)
                if scanned >= SCANNED_MAX:
                    rest = Place(event.cycle.id, event.version + 1)
                    return UsagePage(data=tuple(found), next_cursor=_cursor(rest))
        return UsagePage(data=tuple(found), next_cursor=None)

    def _one(self, wanted: Wanted, source: str, identity: str) -> UsagePage:
        event = self._archive.holding(source, identity)
        if event is None or event.cycle.organization != wanted.organization:
            with self._archive.search(wanted, None):  # an unknown organization is told so
                return UsagePage(data=(), next_cursor=None)
        raters = _Raters(self._catalog)
        found = [raters.recorded(event, each) for each in event.records if wanted.holds(each)]
        return UsagePage(data=tuple(found), next_cursor=None)


class _Raters:
    """What rates usage, by cycle."""

    def __init__(self, catalog: CatalogReader) -> None:
        self._catalog = catalog.current()
        self._known: dict[str, Attribution] = {}

    def recorded(self, event: StoredUsage, record: PackedRecord) -> RecordedUsage:
        cycle = event.cycle
        if cycle.id not in self._known:
            attachments = cycle.as_known().attachments.values()
            self._known[cycle.id] = Attribution(attachments, self._catalog.book, cycle.currency)
        meter = self._catalog.meter_for(record.meter, cycle.opened_at)
        named = meter.named(record.attachment, record.properties) if meter else record.attachment
        by = RatedBy(*self._known[cycle.id].resolve(record.meter, named, record.at))
        return RecordedUsage(
            source=record.source,
            id=record.id,
            organization=cycle.organization,
            meter=record.meter,
            value=record.value,
            occurred_at=instant(record.at),
            attachment=record.attachment,
            properties=record.properties,
            cycle=cycle.id,
            version=event.version,
            recorded_at=event.recorded_at,
            rated_by=None if by.price == UNPRICED else by,
        )


def _from(begin: Place | None, event: StoredUsage) -> Iterator[tuple[Place, PackedRecord]]:
    """An event's records with their places, from a place on."""
    for index, record in enumerate(event.records):
        place = Place(event.cycle.id, event.version, index)
        if begin is None or place >= begin:
            yield place, record


def _cursor(place: Place) -> str:
    """A place as a text; the organization is understood."""
    return f"{place.cycle.rpartition('.')[2]}.{place.version}.{place.record}"


def _place(organization: str, cursor: str) -> Place:
    refused = InvalidInput("not a cursor of this list", field="cursor")
    date, *numbers = cursor.split(".")
    cycle = f"{organization}.{date}"
    if parse_cycle_name(cycle) is None or len(numbers) != 2:
        raise refused
    if not all(each.isascii() and each.isdigit() and len(each) <= 18 for each in numbers):
        raise refused
    return Place(cycle, int(numbers[0]), int(numbers[1]))
