"""Cost by day: what each local day of a cycle added to what it has earned."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from application.day_memory import Amounts, Memory, Remembered
from application.insight_views import CostDay, CostSource, DailyCost
from application.live import InTurn, in_turn, rate_cycle
from application.ports import Books, CatalogReader, CycleState, Snapshot
from application.replays import CycleRecord, CycleRecords
from domain.billing_cycle import BillingCycle
from domain.catalog import Catalog
from domain.errors import NotFound
from domain.invoice import LineItem
from domain.rating import Rated, Surroundings
from domain.tally import Tallies
from projections.cycle_by_day import Day, added_up, control_by, days_of, tallies_by_day, with_later
from projections.replay import replay_control

APART = frozenset({"credit", "late", "carry"})
"""Kinds of lines that no day of the cycle added."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CycleDays:
    """A cycle, rated as it is, and what its usage added on each day that has begun."""

    snapshot: Snapshot
    turn: InTurn
    days: Sequence[Day]
    usage: Sequence[Tallies]
    amounts: Sequence[Amounts]
    final: Rated

    @property
    def cycle(self) -> BillingCycle:
        """The cycle."""
        return self.turn.state.cycle


class DailyCosts:
    """Answers what days cost; changes nothing."""

    def __init__(self, books: Books, catalog: CatalogReader, records: CycleRecords) -> None:
        self._books = books
        self._catalog = catalog
        self._records = records
        self._memory = Memory[Remembered]()
        self._whole = Memory[tuple[tuple[int, int], list[Tallies]]]()

    def cost(self, organization: str, cycle: str | None = None) -> DailyCost:
        """Cost by day of a cycle, by default of the one that accrues.

        Raises:
            NotFound: there is no such organization or cycle.
        """
        return _cost(self.by_day(organization, cycle))

    def usage_of(self, cycle: str) -> list[Tallies]:
        """What each whole day of a cycle added to its usage.

        Raises:
            NotFound: there is no such cycle.
        """
        catalog = self._catalog.current()
        kept = self._whole.get(cycle)
        with self._records.opened(cycle) as record:
            state = record.version, catalog.version
            if kept is not None and kept[0] == state:
                return kept[1]
            known = replay_control(record.control)
            days = days_of(known.period, known.time_zone)
            usage = tallies_by_day(known, record.usage, catalog, days)
        self._whole.put(cycle, (state, usage))
        return usage

    def by_day(self, organization: str, cycle: str | None = None) -> CycleDays:
        """The same as what its usage adds up to and as amounts by attachment.

        Raises:
            NotFound: there is no such organization or cycle.
        """
        snapshot, catalog = self._books.snapshot(organization, cycle), self._catalog.current()
        turn = _asked(snapshot, in_turn(snapshot, catalog, cycle), cycle)
        known, now = turn.state.cycle, snapshot.now
        days = begun(known, now)
        final = earned(turn, catalog, now)
        with self._records.opened(known.id) as record:
            over = self._over(record, turn, days, catalog)
        return CycleDays(
            snapshot=snapshot,
            turn=turn,
            days=days,
            usage=over.usage,
            amounts=[*over.amounts, by_attachment(final.lines)],
            final=final,
        )

    def _over(
        self, record: CycleRecord, turn: InTurn, days: Sequence[Day], catalog: Catalog
    ) -> Remembered:
        """The days of a cycle that are over; those that did not change from memory."""
        cycle, control = turn.state.cycle, record.control[-1].version
        facts = (tuple(days), control, cycle.cutoff, catalog.version, _ahead(turn))
        known = self._memory.get(cycle.id)
        if known is not None and known.facts != facts:
            known = None
        if known is not None and known.version == record.version:
            return known
        good: Sequence[Amounts] = ()
        if known is None:
            usage = tallies_by_day(cycle, record.usage, catalog, days)
        else:
            before = known.usage, known.version
            usage = with_later(*before, cycle, record.usage, catalog, days)
            good = known.still_good(usage)
        amounts = _amounts(record, turn, days[:-1], usage, catalog, good)
        found = Remembered(facts=facts, version=record.version, usage=usage, amounts=list(amounts))
        self._memory.put(cycle.id, found)
        return found


def earned(turn: InTurn, catalog: Catalog, now: datetime) -> Rated:
    """A cycle's invoice as far as it was earned by an instant."""
    until = min(now, turn.state.cycle.period.end)
    return rate_cycle(turn.state, catalog, turn.around, until)


def begun(cycle: BillingCycle, now: datetime) -> list[Day]:
    """The days of a cycle that have begun."""
    days = days_of(cycle.period, cycle.time_zone)
    starts = [cycle.period.start, *(each.end for each in days)]
    found = [day for day, start in zip(days, starts, strict=False) if start < now]
    return found or days[:1]


def by_attachment(lines: Sequence[LineItem]) -> Amounts:
    """What days added, by attachment."""
    found: dict[str, int] = {}
    for line in lines:
        if line.kind not in APART:
            name = line.attachment or ""
            found[name] = found.get(name, 0) + line.amount
    return found


def _asked(snapshot: Snapshot, turns: Sequence[InTurn], cycle: str | None) -> InTurn:
    """The cycle asked for; without one, the newest that has begun."""
    if cycle is None:
        open_cycles = {each.cycle.id for each in snapshot.cycles}
        mine = [each for each in turns if each.state.cycle.id in open_cycles]
        have_begun = [e for e in mine if e.state.cycle.period.start <= snapshot.now]
        if mine:
            return (have_begun or mine)[-1]
        raise NotFound(
            f"{snapshot.organization.id} is closed, and its last invoice issued",
            organization=snapshot.organization.id,
        )
    for each in turns:
        if each.state.cycle.id == cycle:
            return each
    raise NotFound(f"there is no billing cycle {cycle}", cycle=cycle)


def _amounts(
    record: CycleRecord,
    turn: InTurn,
    days: Sequence[Day],
    usage: Sequence[Tallies],
    catalog: Catalog,
    known: Sequence[Amounts],
) -> Iterator[Amounts]:
    """What the cycle had come to at the end of each day. known: of the first days."""
    # What it takes from other cycles and credits is no day's; levels and fees ahead are.
    around = Surroundings(handover=turn.around.handover)
    cycle = turn.state.cycle
    for number, tallies in zip(range(len(days)), added_up(cycle, catalog, usage), strict=False):
        if number < len(known):
            yield known[number]
            continue
        day = days[number]
        state = CycleState(
            cycle=control_by(record.control, cycle, day.end),
            tallies=tallies,
            version=record.version,
        )
        yield by_attachment(rate_cycle(state, catalog, around, day.end).lines)


def _ahead(turn: InTurn) -> str:
    """What the cycle before leaves, as far as days follow from it."""
    return repr(turn.around.handover)


def _cost(found: CycleDays) -> DailyCost:
    cycle, final = found.cycle, found.final
    added = [_difference(before, after) for before, after in pairwise([{}, *found.amounts])]
    return DailyCost(
        organization=cycle.organization,
        cycle=cycle.id,
        status=cycle.status.value,
        currency=cycle.currency,
        time_zone=cycle.time_zone,
        accrued=final.invoice.subtotal,
        days=tuple(
            CostDay(day=day.day, amount=sum(each.values()), by_attachment=each)
            for day, each in zip(found.days, added, strict=True)
        ),
        sources=tuple(_sources(cycle, found.amounts[-1])),
        apart=_apart(final.lines),
        as_of=found.snapshot.now,
    )


def _difference(before: Amounts, after: Amounts) -> Amounts:
    names = sorted(before.keys() | after.keys())
    found = {name: after.get(name, 0) - before.get(name, 0) for name in names}
    return {name: amount for name, amount in found.items() if amount}


def _sources(cycle: BillingCycle, amounts: Amounts) -> Iterator[CostSource]:
    """Everything that costs, dearest first."""
    for name, amount in sorted(amounts.items(), key=lambda each: (-each[1], each[0])):
        known = cycle.attachments.get(name)
        run = known.runs[-1] if known else None
        yield CostSource(
            attachment=name,
            service=run.service if run else "",
            name=run.name if run else "Other items",
            amount=amount,
        )


def _apart(lines: Sequence[LineItem]) -> Amounts:
    found: dict[str, int] = {}
    for line in lines:
        if line.kind in APART:
            found[line.kind] = found.get(line.kind, 0) + line.amount
    return found
