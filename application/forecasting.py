"""Forecasting: what the accruing cycle's bill will come to, by rating the usage still to come."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from application.daily_costs import CycleDays, DailyCosts, by_attachment
from application.forecast_words import basis
from application.insight_ports import PastInvoices, UsageDays
from application.insight_views import ForecastDay, ForecastLine, ForecastView
from application.live import rate_cycle
from application.ports import Books, CatalogReader
from domain.billing_cycle import BillingCycle
from domain.catalog import Catalog
from domain.rating import Rated, Surroundings
from domain.tally import Tallies, TallyKey
from projections.cycle_by_day import Day, added_up, days_of
from projections.expected_usage import (
    ADDS_UP,
    Added,
    days_ahead,
    filled,
    peaks,
    shares,
    whole,
    with_more,
)
from projections.forecast import CONFIDENCE, PACE_DAYS, Ahead, Outlook, outlook

HISTORY_DAYS = 84
LAST_INVOICES = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class _Course:
    """What one meter is expected to add, and whose it will be: shares by tally, of 1."""

    meter: str
    outlook: Outlook
    shares: Mapping[TallyKey, Decimal]

    def by(self, day: int, factor: Decimal = Decimal(1)) -> Iterator[tuple[TallyKey, Decimal]]:
        """What is added by the end of one of the days ahead."""
        quantity = sum(self.outlook.days[: day + 1], Decimal(0)) * factor
        return ((key, quantity * share) for key, share in self.shares.items())

    def factor(self, bound: Decimal) -> Decimal:
        """A bound of the range as a share of what is expected."""
        return bound / self.outlook.expected if self.outlook.expected else Decimal(0)


class Forecasts:
    """Answers what bills will come to; changes nothing."""

    def __init__(
        self,
        costs: DailyCosts,
        books: Books,
        catalog: CatalogReader,
        usage: UsageDays,
        invoices: PastInvoices,
    ) -> None:
        self._costs = costs
        self._books = books
        self._catalog = catalog
        self._usage = usage
        self._invoices = invoices

    def forecast(self, organization: str) -> ForecastView:
        """What the bill of the accruing cycle will come to.

        Raises:
            NotFound: there is no such organization, or it has no cycle.
        """
        found = self._costs.by_day(organization)
        cycle, catalog, now = found.cycle, self._catalog.current(), found.snapshot.now
        ahead = days_ahead(cycle, now)
        courses = self._courses(found, ahead, catalog)
        last = len(ahead) - 1
        rated = _rated(found, catalog, _added(course.by(last) for course in courses))
        low = _rated(found, catalog, _bound(courses, last, "low"))
        high = _rated(found, catalog, _bound(courses, last, "high"))
        bills = [each.invoice.subtotal for each in (low, rated, high)]
        by_day = tuple(_by_day(found, ahead, courses, catalog, bills))
        methods = [course.outlook.method for course in courses]
        past = self._invoices.settled(organization, cycle.period.start, LAST_INVOICES)
        return ForecastView(
            organization=organization,
            cycle=cycle.id,
            currency=cycle.currency,
            ends_at=cycle.period.end,
            accrued=found.final.invoice.subtotal,
            expected=rated.invoice.subtotal,
            low=min(bills),
            high=max(bills),
            confidence=CONFIDENCE,
            method=_method(methods),
            basis=basis(cycle, {each.meter: each.outlook for each in courses}, past, catalog),
            by_day=by_day,
            apart=rated.invoice.subtotal - by_day[-1].by_then,
            lines=tuple(_lines(found.turn.rated, rated)),
            as_of=now,
        )

    def _courses(
        self, found: CycleDays, ahead: Sequence[Ahead], catalog: Catalog
    ) -> Sequence[_Course]:
        """What each meter is expected to add."""
        if not ahead:
            return []
        cycle, last = found.cycle, ahead[0].day - timedelta(days=1)
        rows = self._usage.days(cycle.organization, last - timedelta(days=HISTORY_DAYS), last)
        series: dict[str, dict[date, Decimal]] = {}
        for row in rows:
            meter = catalog.meter_for(row.meter, cycle.opened_at)
            if meter is not None and meter.aggregation in ADDS_UP:
                series.setdefault(row.meter, {})[row.day] = row.quantity
        owed = shares(self._recent(found), cycle, catalog)
        # Of a meter that began today, the first hours are all that is known.
        today = {meter: {last: so_far} for meter, so_far in whole(found.usage[-1:]).items()}
        courses = [
            _Course(
                meter=meter,
                outlook=outlook(filled(known, last), last, ahead),
                shares=owed[meter],
            )
            for meter, known in sorted({**today, **series}.items())
            if owed.get(meter)
        ]
        return [*courses, *self._peaks(found, len(ahead), catalog)]

    def _peaks(self, found: CycleDays, to_come: int, catalog: Catalog) -> Iterator[_Course]:
        """How peaks will grow, by the cycle before."""
        cycle, now = found.cycle, found.turn.state.tallies
        for name in self._before(cycle):
            days = self._costs.usage_of(name)
            before = list(_quantities(added_up(cycle, catalog, days)))
            passed = len(found.days)
            for key, growth in peaks(now, before, passed, to_come, cycle, catalog):
                yield _Course(meter=key.meter, outlook=growth, shares={key: Decimal(1)})

    def _before(self, cycle: BillingCycle) -> Sequence[str]:
        """The cycle before, if there is one and the log holds its events."""
        names = [*self._books.cycle_names(cycle.organization)]
        before = names[: names.index(cycle.id)][-1:] if cycle.id in names else []
        gone = self._books.detached(cycle.organization).cycles if before else ()
        return [name for name in before if name not in gone]

    def _recent(self, found: CycleDays) -> Sequence[Tallies]:
        """What the last two weeks added, the cycle before included where this one is young."""
        recent = list(found.usage[-PACE_DAYS:])
        if len(recent) < PACE_DAYS:
            for name in self._before(found.cycle):
                recent = [*self._costs.usage_of(name)[len(recent) - PACE_DAYS :], *recent]
        return recent


def _quantities(days: Iterable[Tallies]) -> Iterator[dict[TallyKey, Decimal]]:
    """Each day's quantities: the tallies go on changing."""
    for each in days:
        yield {key: tally.quantity for key, tally in each.items()}


def _added(parts: Iterable[Iterable[tuple[TallyKey, Decimal]]]) -> Added:
    return {key: quantity for part in parts for key, quantity in part}


def _bound(courses: Sequence[_Course], day: int, name: str) -> Added:
    return _added(each.by(day, each.factor(getattr(each.outlook, name))) for each in courses)


def _rated(found: CycleDays, catalog: Catalog, added: Added) -> Rated:
    """The invoice as it would be with this usage."""
    turn = found.turn
    if not added:
        return turn.rated
    tallies = with_more(turn.state.tallies, added, found.cycle, catalog)
    return rate_cycle(replace(turn.state, tallies=tallies), catalog, turn.around)


def _by_day(
    found: CycleDays,
    ahead: Sequence[Ahead],
    courses: Sequence[_Course],
    catalog: Catalog,
    bills: Sequence[int],
) -> Iterator[ForecastDay]:
    """Every day of the cycle: what those over came to, and what is expected of the others."""
    before, cycle = 0, found.cycle
    to_come = {each.day: number for number, each in enumerate(ahead)}
    below, above = bills[1] - min(bills), max(bills) - bills[1]
    for number, day in enumerate(days_of(cycle.period, cycle.time_zone)):
        step = to_come.get(day.day)
        if step is None:
            by_then = sum(found.amounts[min(number, len(found.amounts) - 1)].values())
        else:
            added = _added(course.by(step) for course in courses)
            by_then = _by_then(found, catalog, added, day)
        passed = 0 if step is None else step + 1
        yield ForecastDay(
            day=day.day,
            amount=by_then - before,
            by_then=by_then,
            low=by_then - below * passed // max(len(ahead), 1),
            high=by_then + above * passed // max(len(ahead), 1),
            known=step is None,
        )
        before = by_then


def _by_then(found: CycleDays, catalog: Catalog, added: Added, day: Day) -> int:
    turn = found.turn
    tallies = with_more(turn.state.tallies, added, found.cycle, catalog)
    around = Surroundings(handover=turn.around.handover)
    state = replace(turn.state, tallies=tallies)
    return sum(by_attachment(rate_cycle(state, catalog, around, day.end).lines).values())


def _lines(now: Rated, then: Rated) -> Iterator[ForecastLine]:
    before = {line.key: line for line in now.lines}
    after = {line.key: line for line in then.lines}
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        shown = new or old
        yield ForecastLine(
            key=key,
            description=shown.description if shown else key,
            so_far=old.amount if old else 0,
            expected=new.amount if new else 0,
        )


def _method(methods: Sequence[str]) -> str:
    """The weakest of what it rests on."""
    for each in ("few_days", "pace", "weekly", "last_cycle"):
        if each in methods:
            return each
    return "known"
