"""A cycle's usage read once from the log, and compared with everything that is kept of it."""

from collections.abc import Callable, Iterator, Mapping

from application.verified_store import Page, Remembered, StoredCycle, StoredOrganization
from projections.checks.broken import Broken
from projections.checks.counting import FILTERED, Counter, Heap, HeapKey, Heaps, meters_in_force
from projections.checks.judging import SHOWN_MAX, tallies_differ
from projections.checks.reading import Reading
from projections.checks.terms import Terms
from projections.checks.turns import Counted


class UsageCount:
    """A cycle's usage read once: its basis, everything known, and what tells duplicates.

    seen: told how many records were read, page by page.
    """

    def __init__(
        self,
        stored: StoredOrganization,
        cycle: StoredCycle,
        reading: Reading,
        book: Mapping[str, Terms],
        seen: Callable[[int], None],
    ) -> None:
        self.records = 0
        self._seen = seen
        self._differing = 0
        self._stored, self._cycle, self._reading = stored, cycle, reading
        self._meters = meters_in_force(stored.catalog, reading.recorded_at)
        currency = reading.opened.currency
        self._basis = Counter(reading.basis, book, self._meters, currency)
        self._known = Counter(reading.known, book, self._meters, currency)
        self._late = reading.late_facts
        self._kept: dict[bool, Heaps] = {}

    def broken(self) -> Iterator[Broken]:
        """1, 2 and 5."""
        for page in self._stored.usage(self._cycle):
            yield from self._remember(page)
            self._add(page)
            self._seen(len(page.records))
        cycle = self._cycle
        if self.records != cycle.records:
            detail = f"accepted {cycle.records}, in the log {self.records}"
            yield Broken(invariant=1, about=cycle.cycle, what="records", detail=detail)
        if not cycle.stale:
            kept = self._tallies(late=False)
            yield from tallies_differ(cycle.cycle, "", _plain(self._basis.heaps), kept)
        if cycle.has_late and not cycle.late_stale:
            late = self._tallies(late=True)
            yield from tallies_differ(cycle.cycle, "late ", _plain(self._known.heaps), late)
        elif self._late and not cycle.has_late:
            yield Broken(invariant=2, about=cycle.cycle, what="late tallies are not kept")
        yield from self._unaccounted()

    def counted(self) -> Counted:
        """For rating."""
        return Counted(
            reading=self._reading,
            meters=self._meters,
            heaps=self._basis.heaps,
            known=self._known.heaps if self._late else None,
        )

    def accounts(self) -> dict[str, int]:
        """How many records stand where."""
        if self._reading.forgiven:
            return {"written_off": self.records}
        found = {"retracted": self._known.retracted, "priced": 0, "unpriced": 0, "filtered": 0}
        for key, heap in self._known.heaps.items():
            found[_where(key)] += heap.records
        return found

    def _add(self, page: Page) -> None:
        self.records += len(page.records)
        basis = self._reading.cutoff is None or page.version <= self._reading.cutoff
        self._late |= not basis
        for record in page.records:
            if basis:
                self._basis.put(record)
            self._known.put(record)

    def _remember(self, page: Page) -> Iterator[Broken]:
        known = self._stored.remembered([key for key, _ in page.marks])
        seen: set[bytes] = set()
        for record, (key, content) in zip(page.records, page.marks, strict=True):
            here = Remembered(content=content, number=self._cycle.number, version=page.version)
            if key in seen or known.get(key) != here:
                self._differing += 1
                if self._differing > SHOWN_MAX:
                    return
                what = f"record {record.source}/{record.id}"
                kept = "twice in one event" if key in seen else _differs(known.get(key), here)
                yield Broken(invariant=1, about=self._cycle.cycle, what=what, detail=kept)
            seen.add(key)

    def _unaccounted(self) -> Iterator[Broken]:
        """5: by what is kept, every accepted record is priced, or listed as what it is."""
        late = self._cycle.has_late
        if self._cycle.late_stale if late else self._cycle.stale:
            return
        kept = sum(heap.records for heap in self._tallies(late=late).values())
        told = kept + (self._known if late else self._basis).retracted
        if told != self.records:
            detail = f"{self.records} recorded, {told} rated or listed"
            yield Broken(invariant=5, about=self._cycle.cycle, what="records", detail=detail)

    def _tallies(self, *, late: bool) -> Heaps:
        if late not in self._kept:
            self._kept[late] = self._stored.tallies(self._cycle, late=late)
        return self._kept[late]


def _differs(kept: Remembered | None, here: Remembered) -> str:
    if kept is None:
        return "in the log, and not among what was accepted"
    if kept.content != here.content:
        return "accepted with another content"
    return f"accepted in event {kept.version} of cycle number {kept.number}, found in another"


def _plain(heaps: Heaps) -> Heaps:
    """Without single records, which no table keeps."""
    return {
        key: Heap(
            records=heap.records,
            quantity=heap.quantity,
            latest_at=heap.latest_at,
            values=heap.values,
            points=heap.points,
        )
        for key, heap in heaps.items()
    }


def _where(key: HeapKey) -> str:
    if key.attachment == FILTERED:
        return "filtered"
    return "priced" if key.price else "unpriced"
