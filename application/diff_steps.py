"""The way from an invoice to what it became: step by step, rated after each."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from application.live import InTurn, rate_cycle
from application.ports import CycleState
from application.replays import CycleRecord
from domain.billing_cycle import BillingCycle, opened
from domain.catalog import Catalog
from domain.cycle.facts import Fact
from domain.events.base import Recorded
from domain.events.cycle import CycleClosed, CycleOpened
from domain.events.outcome import InvoiceVoided
from domain.events.usage import PackedRecord, UsageRecorded
from domain.rating import ALONE, Surroundings
from domain.tally import Tallies
from projections.diff import Cause, around_steps, control_cause, others, usage_cause
from projections.meter_words import meter_words
from projections.replay import replay_control, replay_usage
from projections.usage_tally import Stretch, UsageReader

CAUSES_MAX = 100
"""Causes told one by one; what is beyond is summed up."""


@dataclass(kw_only=True, slots=True)
class Steps:
    """The invoice on its way from one instant to the other, rated after every step.

    known: what was recorded by the first instant. sources: whose new usage counts already.
    """

    catalog: Catalog
    known: CycleRecord | None
    control: list[Recorded]
    usage: list[Recorded]
    around: Surroundings
    amount: int
    cycle: BillingCycle | None
    tallies: Tallies = field(default_factory=dict)
    sources: set[str] = field(default_factory=set)
    told: int = 0

    @classmethod
    def begin(
        cls,
        old: InTurn | None,
        record: CycleRecord | None,
        news: Sequence[Recorded],
        catalog: Catalog,
    ) -> "Steps":
        """At the first instant."""
        return cls(
            catalog=catalog,
            known=record,
            control=[each for each in news if not isinstance(each.event, UsageRecorded)],
            usage=[each for each in news if isinstance(each.event, UsageRecorded)],
            around=old.around if old else ALONE,
            amount=old.rated.invoice.subtotal if old else 0,
            cycle=replay_control(record.control) if record else None,
            tallies=old.state.tallies if old else {},
        )

    def causes(self, around: Surroundings, becomes: int) -> Iterator[Cause]:
        """First what happened before the usage cut-off; then usage; then what lies outside this
        cycle; then what followed the cut-off. Those that changed nothing are left out."""
        cut = next(
            (n for n, each in enumerate(self.control) if isinstance(each.event, CycleClosed)),
            len(self.control),
        )
        before, after = self.control[:cut], self.control[cut:]
        if self.cycle is not None and self.cycle.cutoff is not None:
            before, after = [], self.control
        yield from self._control(before)
        yield from self._usage()
        yield from self._outside(around)
        yield from self._control(after)
        if rest := becomes - self.amount:
            self.amount = becomes
            yield others(rest)

    def _control(self, events: Sequence[Recorded]) -> Iterator[Cause]:
        room = max(CAUSES_MAX - self.told, 0)
        for recorded in events[:room]:
            yield from self._tell([recorded])
        if rest := events[room:]:
            yield from self._tell(rest)

    def _tell(self, events: Sequence[Recorded]) -> Iterator[Cause]:
        self._apply(events)
        if difference := self._rated():
            self.told += 1
            currency = self.cycle.currency if self.cycle else ""
            yield control_cause(events, difference, currency)

    def _apply(self, events: Sequence[Recorded]) -> None:
        moved = False
        for recorded in events:
            event = recorded.event
            if isinstance(event, CycleOpened):
                self.cycle = opened(event, recorded.recorded_at)
            elif self.cycle is not None:
                self.cycle.apply(event)
            moved = moved or isinstance(event, Fact | CycleClosed | InvoiceVoided)
        if moved:
            self._fold()

    def _usage(self) -> Iterator[Cause]:
        by_source: dict[str, list[tuple[Recorded, PackedRecord]]] = {}
        for recorded in self.usage:
            assert isinstance(recorded.event, UsageRecorded)
            for record in recorded.event.records:
                by_source.setdefault(record.source, []).append((recorded, record))
        words = meter_words([self.cycle] if self.cycle else [], self.catalog)
        room, names = max(CAUSES_MAX - self.told, 0), sorted(by_source)
        for part in [*([name] for name in names[:room]), names[room:]]:
            if not part:
                continue
            self.sources.update(part)
            self._fold()
            if difference := self._rated():
                self.told += 1
                found = [pair for name in part for pair in by_source[name]]
                yield usage_cause(part, found, difference, self._is_sum, words)

    def _is_sum(self, meter: str) -> bool:
        assert self.cycle is not None
        known = self.catalog.meter_for(meter, self.cycle.opened_at)
        return known is not None and known.aggregation == "sum"

    def _outside(self, around: Surroundings) -> Iterator[Cause]:
        for kind, what, changed in around_steps(self.around, around):
            self.around = changed
            if difference := self._rated():
                yield Cause(kind=kind, amount=difference, what=what, count=1)

    def _fold(self) -> None:
        if self.cycle is not None:
            known = self.known.usage if self.known else None
            usage = _Usage(known, self.usage if self.sources else (), self.sources)
            self.tallies = replay_usage(self.cycle, usage, self.catalog)

    def _rated(self) -> int:
        """What the last step added."""
        if self.cycle is None:
            return 0
        state = CycleState(cycle=self.cycle, tallies=self.tallies, version=0)
        now = rate_cycle(state, self.catalog, self.around).invoice.subtotal
        difference, self.amount = now - self.amount, now
        return difference


@dataclass(frozen=True, slots=True)
class _Usage:
    """Usage known at first, and what some sources reported since."""

    known: UsageReader | None
    news: Sequence[Recorded]
    sources: set[str]

    def read(self, whole: Callable[[Stretch], bool], upto: int | None = None) -> Iterator[Stretch]:
        """All of it in the log's order, or the events up to a version."""
        if self.known is not None:
            yield from self.known.read(whole, upto)
        for recorded in self.news:
            event = recorded.event
            if not isinstance(event, UsageRecorded) or (
                upto is not None and recorded.version > upto
            ):
                continue
            records = [each for each in event.records if each.source in self.sources]
            if records:
                yield Stretch(event.lo, event.hi, (), records)
