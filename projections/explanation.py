"""The explanation of a line: from usage records to cents, and which records those are."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.attribution import Attribution
from domain.billing_cycle import BillingCycle
from domain.catalog import Catalog
from domain.events.base import Recorded
from domain.events.usage import PackedRecord, UsageRecorded, instant, micros
from domain.invoice import LineItem
from domain.line_key import line_key
from domain.tally import Tallies
from projections.steps import Step
from projections.usage_tally import as_it_counts

USAGE = "usage"
"""How keys of usage lines begin."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UsageEntry:
    """One usage record behind a line, as it counts. value: as the log keeps it."""

    source: str
    id: str
    occurred_at: datetime
    value: str
    attachment: str
    properties: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """Why a line comes to what it does.

    records: how many usage records are behind it; usage: one page of them, in the log's
    order. next_cursor: ``after`` of the next page, ``None`` at the end.
    """

    cycle: str
    line: LineItem
    steps: tuple[Step, ...]
    records: int
    usage: tuple[UsageEntry, ...]
    next_cursor: str | None


class Behind:
    """Finds the usage records behind a line, by the attribution that rates them.

    cycle: the one that used it. late_key: for a line that bills late amounts of another
    cycle, the key of the line there; ``cycle`` is then that one, with everything known now.
    Otherwise only usage up to the cycle's cut-off is behind a line. until: only what had happened
    by then; ``None`` for everything.
    """

    def __init__(
        self,
        line: LineItem,
        cycle: BillingCycle,
        catalog: Catalog,
        late_key: str | None = None,
        until: datetime | None = None,
    ) -> None:
        self._line = line
        self._line_key = late_key or line.key
        of_usage = self._line_key.startswith(f"{USAGE}/")
        self._price = catalog.book[line.price] if line.price and of_usage else None
        self._attribution = Attribution(cycle.attachments.values(), catalog.book, cycle.currency)
        self._corrections = cycle.corrections
        self._upto = cycle.cutoff if late_key is None else None
        self._until = None if until is None else micros(until)
        self._meter = catalog.meter_for(self._price_meter or "", cycle.opened_at)
        kept = self._meter.dimensions if self._meter else ()
        grouped = self._price.group_by if self._price else ()
        self._names = [name for name in grouped if name in kept]
        self._keys: dict[tuple[tuple[str, str], ...], str] = {}

    def count(self, tallies: Tallies) -> int:
        """How many there are, by the tallies."""
        return sum(
            tally.records
            for key, tally in tallies.items()
            if (key.attachment, key.price) == (self._line.attachment, self._line.price)
            and self._price is not None
            and self._key(dict(key.dimensions)) == self._line_key
        )

    def page(
        self, history: Iterable[Recorded], after: str | None, limit: int
    ) -> tuple[tuple[UsageEntry, ...], str | None]:
        """Some records after a cursor, and the cursor of the next page, ``None`` at the end.

        Corrected ones are as they count now, in the place where they were recorded.
        """
        found: list[tuple[str, UsageEntry]] = []
        if self._price is not None:
            for place, record in self._records(history, _place(after)):
                if len(found) == limit:
                    return tuple(entry for _, entry in found), found[-1][0]
                found.append((f"{place[0]}-{place[1]}", _entry(record)))
        return tuple(entry for _, entry in found), None

    def _records(
        self, history: Iterable[Recorded], after: tuple[int, int]
    ) -> Iterator[tuple[tuple[int, int], PackedRecord]]:
        for recorded in history:
            event = recorded.event
            if not isinstance(event, UsageRecorded) or recorded.version < after[0]:
                continue
            if self._upto is not None and recorded.version > self._upto:
                return
            if all(tally.meter != self._price_meter for tally in event.tallies):
                continue
            for index, each in enumerate(event.records):
                record = as_it_counts(each, self._corrections)
                place = recorded.version, index
                if record is not None and place > after and self._mine(record):
                    yield place, record

    @property
    def _price_meter(self) -> str | None:
        return self._price.meter if self._price else None

    def _mine(self, record: PackedRecord) -> bool:
        if self._meter is None or record.meter != self._meter.id:
            return False
        if self._until is not None and record.at > self._until:
            return False
        named = self._meter.named(record.attachment, record.properties)
        rated_by = self._attribution.resolve(record.meter, named, record.at)
        mine = rated_by == (self._line.attachment, self._line.price)
        return mine and self._key(record.properties) == self._line_key

    def _key(self, properties: Mapping[str, str]) -> str:
        """The line that a record with these properties is on, at this price."""
        group = tuple((name, properties.get(name, "")) for name in self._names)
        known = self._keys.get(group)
        if known is None:
            attachment, ref = self._line.attachment or "", self._line.price or ""
            known = self._keys[group] = line_key(USAGE, attachment, ref, group=dict(group))
        return known


def _place(cursor: str | None) -> tuple[int, int]:
    """A cursor's version and index.

    Raises:
        ValueError: it is not a cursor.
    """
    if cursor is None:
        return (0, -1)
    version, index = cursor.split("-")
    return (int(version), int(index))


def _entry(record: PackedRecord) -> UsageEntry:
    return UsageEntry(
        source=record.source,
        id=record.id,
        occurred_at=instant(record.at),
        value=record.value,
        attachment=record.attachment,
        properties=record.properties,
    )
