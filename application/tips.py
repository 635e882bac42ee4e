"""Savings tips: what an organization would have paid otherwise, by rating its history again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from application.day_memory import Memory
from application.detached import names_here
from application.insight_views import Tip
from application.ports import Books, CatalogReader, CycleState, Snapshot
from application.replays import CycleRecords
from application.rerating import Candidate, Lines, bills, replaced
from domain.attachment import Run
from domain.billing_cycle import BillingCycle
from domain.catalog import Catalog
from domain.errors import CyclebookError
from domain.events.amounts import HandedOver
from domain.events.base import Recorded
from domain.events.cycle import ServiceAttached, ServiceSwapped
from domain.line_key import line_key
from domain.price import Price
from projections.cycle_by_day import days_of, tallies_by_day
from projections.replay import replay_control, usage_fold
from projections.tips import (
    MONTHS_A_YEAR,
    UNUSED_DAYS,
    cheaper_words,
    comparable,
    compared,
    last_used,
    minimum_words,
    monthly,
    unused_words,
)
from projections.usage_tally import fold_usage

CYCLES = 3
"""Savings are what the last so many whole cycles would have come to less."""

OFFERS_MAX = 5
"""So many other offers are tried for one attachment."""

Told = Callable[[object], object | None]
"""What an event would have been; ``None`` where it would not have happened."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Book:
    """An organization's running attachments, and the cycles that are looked at."""

    snapshot: Snapshot
    catalog: Catalog
    cycle: BillingCycle
    running: dict[str, Run]
    names: Sequence[str]


class Tips:
    """Finds savings; changes nothing."""

    def __init__(self, books: Books, catalog: CatalogReader, records: CycleRecords) -> None:
        self._books = books
        self._catalog = catalog
        self._records = records
        self._memory = Memory[tuple[object, tuple[Tip, ...]]]()

    def tips(self, organization: str) -> tuple[Tip, ...]:
        """Every saving that was found, the largest first.

        Raises:
            NotFound: there is no such organization.
        """
        snapshot = self._books.snapshot(organization)
        begun = [e.cycle for e in snapshot.cycles if e.cycle.period.start <= snapshot.now]
        if not begun:
            return ()
        cycle = begun[-1]
        runs = {name: known.running_on() for name, known in cycle.attachments.items()}
        earlier = names_here(self._books, organization)
        before = earlier[: earlier.index(cycle.id)]
        book = _Book(
            snapshot=snapshot,
            catalog=self._catalog.current(),
            cycle=cycle,
            running={name: run for name, run in sorted(runs.items()) if run is not None},
            names=before[-CYCLES:],
        )
        versions = [each.version for each in snapshot.cycles]
        state = book.catalog.version, versions, cycle.id, _today(book)
        kept = self._memory.get(organization)
        if kept is not None and kept[0] == state:
            return kept[1]
        found = [*self._unused(book), *self._cheaper(book), *self._minimums(book)]
        worth = [each for each in found if each.monthly > 0]
        tips = tuple(sorted(worth, key=lambda each: (-each.monthly, each.attachment, each.kind)))
        self._memory.put(organization, (state, tips))
        return tips

    def _unused(self, book: _Book) -> Iterator[Tip]:
        """What runs, has a meter, and counted nothing for a month."""
        now, today = book.snapshot.now, _today(book)
        used = last_used(self._used(book, today))
        for name, run in book.running.items():
            metered = _metered(book, run)
            recent = name in used and used[name] > today - timedelta(days=UNUSED_DAYS)
            if not metered or recent or self._since(book, name) > now - timedelta(UNUSED_DAYS):
                continue
            names = book.names or [book.cycle.id]
            saved = monthly(self._savings(book, names, _without(name), _same(name)))
            words = unused_words(run.name, name, used.get(name), saved, book.cycle.currency)
            yield _tip("unused", book, name, saved, words, names)

    def _used(self, book: _Book, today: date) -> Iterator[tuple[date, set[str]]]:
        """The attachments with usage, day by day, as far back as it matters."""
        for name in [*book.names, book.cycle.id]:
            with self._records.opened(name) as record:
                cycle = replay_control(record.control)
                days = days_of(cycle.period, cycle.time_zone)
                if days[-1].day < today - timedelta(days=UNUSED_DAYS):
                    continue
                for day, tallies in zip(
                    days, tallies_by_day(cycle, record.usage, book.catalog, days), strict=True
                ):
                    yield day.day, {key.attachment for key, each in tallies.items() if each.records}

    def _since(self, book: _Book, attachment: str) -> datetime:
        """When an attachment began to run, as far back as is looked at."""
        run = book.running[attachment]
        since = run.since
        for name in reversed(book.names):
            if not run.carried:
                break
            with self._records.opened(name) as record:
                known = replay_control(record.control).attachments.get(attachment)
            found = known.running_on() if known else None
            if found is None:
                break
            run, since = found, found.since
        return since

    def _cheaper(self, book: _Book) -> Iterator[Tip]:
        """The best other offer for the same usage, attachment by attachment."""
        for name, run in book.running.items():
            best: Tip | None = None
            for service, prices in _offers(book, run):
                other = _as(name, service, book.catalog.services[service].name, prices)
                savings = self._savings(book, book.names, other, _same(name))
                saved = monthly(savings)
                title = book.catalog.services[service].name
                words = cheaper_words(run.name, name, title, saved, book.cycle.currency)
                tip = _tip("cheaper", book, name, saved, words, book.names)
                best = tip if best is None or tip.monthly > best.monthly else best
            if best is not None:
                yield best

    def _minimums(self, book: _Book) -> Iterator[Tip]:
        """Commitments that none of the cycles reached."""
        if not book.names:
            return
        states = self._states(book, book.names, lambda event: event)
        who = book.snapshot.organization
        now = bills(who, states, book.catalog)
        for name, run in book.running.items():
            for ref in run.prices:
                price = book.catalog.book[ref]
                key = line_key("minimum", name, ref)
                if price.minimum is None or not all(key in now[each] for each in book.names):
                    continue
                without = Candidate(price=replace(price, minimum=None), replaces=(ref,))
                then = bills(who, states, replaced(book.catalog, without))
                saved = min(_sum(now[each]) - _sum(then[each]) for each in book.names)
                words = minimum_words(price.name, name, saved, book.cycle.currency)
                yield _tip("minimum", book, name, saved, words, book.names)

    def _savings(self, book: _Book, names: Sequence[str], other: Told, same: Told) -> Sequence[int]:
        """What each cycle would have come to less, in minor units."""
        who = book.snapshot.organization
        now = bills(who, self._states(book, names, same), book.catalog)
        then = bills(who, self._states(book, names, other), book.catalog)
        return [_sum(now[each]) - _sum(then[each]) for each in names]

    def _states(self, book: _Book, names: Sequence[str], told: Told) -> list[CycleState]:
        """Cycles with everything known, as if their events had been others."""
        found = []
        for name in names:
            with self._records.opened(name) as record:
                cycle = replay_control(_told(record.control, told)).as_known()
                tallies = fold_usage(record.usage, usage_fold(cycle, book.catalog))
                found.append(CycleState(cycle=cycle, tallies=tallies, version=record.version))
        return found


def _today(book: _Book) -> date:
    return book.snapshot.organization.calendar.local_date(book.snapshot.now)


def _told(history: Sequence[Recorded], told: Told) -> Iterator[Recorded]:
    for recorded in history:
        event = told(recorded.event)
        if event is not None:
            yield replace(recorded, event=event)


def _same(attachment: str) -> Told:
    """As it was, but for what the cycle before had billed ahead of it: that is no saving."""
    return lambda event: _nothing_ahead(event, attachment)


def _without(attachment: str) -> Told:
    """As if it had never been attached."""

    def told(event: object) -> object | None:
        mine = getattr(event, "attachment", None) == attachment
        return None if mine else _nothing_ahead(event, attachment)

    return told


def _as(attachment: str, service: str, name: str, prices: Sequence[Price]) -> Told:
    """As if it had been another service all along."""
    refs = tuple(price.ref for price in prices)

    def told(event: object) -> object | None:
        if isinstance(event, ServiceAttached | ServiceSwapped) and event.attachment == attachment:
            return replace(event, service=service, name=name, prices=refs)
        return _nothing_ahead(event, attachment)

    return told


def _nothing_ahead(event: object, attachment: str) -> object:
    if not isinstance(event, HandedOver):
        return event
    return replace(
        event, ahead=tuple(each for each in event.ahead if each.attachment != attachment)
    )


def _offers(book: _Book, run: Run) -> Iterator[tuple[str, Sequence[Price]]]:
    """Other services that count the same usage, at prices of their own, as they are on offer."""
    mine, tried = _metered(book, run), 0
    if not book.names:
        return
    for service in sorted(book.catalog.services):
        try:
            prices = book.catalog.versions_at(
                book.catalog.services[service].prices,
                book.snapshot.now,
                book.snapshot.organization.id,
            )
        except CyclebookError:  # retired, or not on offer yet: nobody can attach it
            continue
        fitting = [each for each in prices if each.currency == book.cycle.currency]
        other = {each.meter: each.id for each in fitting if each.meter}
        if service != run.service and comparable(mine, other) and tried < OFFERS_MAX:
            tried += 1
            yield service, fitting


def _metered(book: _Book, run: Run) -> dict[str, str]:
    """The ids of an attachment's metered prices in the cycle's currency, by meter."""
    prices = [book.catalog.book[ref] for ref in run.prices]
    currency = book.cycle.currency
    return {each.meter: each.id for each in prices if each.meter and each.currency == currency}


def _sum(lines: Lines) -> int:
    return sum(line.amount for line in lines.values())


def _tip(
    kind: str, book: _Book, attachment: str, saved: int, words: str, names: Sequence[str]
) -> Tip:
    return Tip(
        kind=kind,
        attachment=attachment,
        service=book.running[attachment].service,
        currency=book.cycle.currency,
        monthly=saved,
        yearly=saved * MONTHS_A_YEAR,
        words=words,
        basis=(compared(names),),
    )
