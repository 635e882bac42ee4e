"""Usage that is expected: whose it will be, and tallies with it added."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from domain.attribution import FILTERED, Attribution
from domain.billing_cycle import BillingCycle
from domain.catalog import Catalog
from domain.events.usage import micros
from domain.period import Calendar
from domain.quantity import EXACT
from domain.tally import Each, Tallies, Tally, TallyKey
from projections.cycle_by_day import Day, days_of
from projections.forecast import Ahead, Outlook

ADDS_UP = frozenset({"sum", "count"})
"""Aggregations that grow with every record."""

PEAKS = frozenset({"max", "unique"})
"""Those that grow less and less through a cycle. A level is taken to hold on, as rating does."""

WHOLE = frozenset({"count", "unique"})
PLACES = Decimal("0.000001")
EACH_MAX = 1_000
"""How many single records a forecast makes up where a price rates each by itself."""

Added = Mapping[TallyKey, Decimal]
"""What is added to which tally."""

_US = timedelta(microseconds=1)


def days_ahead(cycle: BillingCycle, now: datetime) -> list[Ahead]:
    """The days to come of a cycle, with what is left of today."""
    start, found = cycle.period.start, list[Ahead]()
    for each in days_of(cycle.period, cycle.time_zone):
        left = each.end - max(start, now)
        if left > timedelta(0):
            whole = _midnight_after(cycle, each) - _midnight(cycle, each)
            found.append(Ahead(each.day, Decimal(left // _US) / Decimal(whole // _US)))
        start = each.end
    return found


def _midnight(cycle: BillingCycle, day: Day) -> datetime:
    return Calendar(cycle.time_zone, 1).midnight(day.day)


def _midnight_after(cycle: BillingCycle, day: Day) -> datetime:
    return Calendar(cycle.time_zone, 1).midnight(day.day + timedelta(days=1))


def filled(known: Mapping[date, Decimal], last: date) -> list[Decimal]:
    """Each day from the first with usage on; days without any as 0."""
    if not known:
        return []
    first = min(known)
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return [known.get(day, Decimal(0)) for day in days]


def shares(
    recent: Iterable[Tallies], cycle: BillingCycle, catalog: Catalog
) -> dict[str, dict[TallyKey, Decimal]]:
    """Each tally's part of what its meter added lately; one that runs no more keeps its part."""
    rates = Attribution(cycle.attachments.values(), catalog.book, cycle.currency)
    end = micros(cycle.period.end) - 1
    found: dict[str, dict[TallyKey, Decimal]] = {}
    for tallies in recent:
        for key, tally in tallies.items():
            meter = catalog.meter_for(key.meter, cycle.opened_at)
            if meter is None or meter.aggregation not in ADDS_UP or key.attachment == FILTERED:
                continue
            attachment, price = rates.resolve(key.meter, key.attachment, end)
            target = TallyKey(key.meter, attachment, price, key.dimensions)
            mine = found.setdefault(key.meter, {})
            mine[target] = mine.get(target, Decimal(0)) + tally.quantity
    return {meter: _of_one(quantities) for meter, quantities in found.items()}


def whole(days: Iterable[Tallies]) -> dict[str, Decimal]:
    """What each meter came to, whoever rates it."""
    found: dict[str, Decimal] = {}
    for tallies in days:
        for key, tally in tallies.items():
            found[key.meter] = found.get(key.meter, Decimal(0)) + tally.quantity
    return found


def _of_one(quantities: Mapping[TallyKey, Decimal]) -> dict[TallyKey, Decimal]:
    """As parts of 1, what has no price left out: it will cost nothing."""
    whole = sum(quantities.values(), Decimal(0))
    if not whole:
        return {}
    return {key: each / whole for key, each in quantities.items() if key.price}


def peaks(
    now: Tallies,
    before: Sequence[Mapping[TallyKey, Decimal]],
    passed: int,
    to_come: int,
    cycle: BillingCycle,
    catalog: Catalog,
) -> Iterator[tuple[TallyKey, Outlook]]:
    """How peaks and numbers of distinct values grow: as they did in the cycle before from here on.

    now: what usage adds up to. before: the quantities at the end of each day of the cycle before.
    passed, to_come: days of this cycle.
    """
    if not before or not to_come:
        return
    here, end = before[min(max(passed, 1), len(before)) - 1], before[-1]
    for key, tally in sorted(now.items(), key=lambda each: each[0]):
        meter = catalog.meter_for(key.meter, cycle.opened_at)
        if meter is None or meter.aggregation not in PEAKS or not key.price or key not in end:
            continue
        then, last = here.get(key, Decimal(0)), end[key]
        growth = tally.quantity * (last / then - 1) if then > 0 else last - tally.quantity
        growth = max(growth, Decimal(0))
        yield (
            key,
            Outlook(
                method="last_cycle",
                days=(growth / to_come,) * to_come,
                low=Decimal(0),
                high=max(growth, last - tally.quantity),
            ),
        )


def with_more(tallies: Tallies, added: Added, cycle: BillingCycle, catalog: Catalog) -> Tallies:
    """Tallies with expected usage added. Those given stay as they are."""
    more = dict(tallies)
    for key, quantity in added.items():
        meter = catalog.meter_for(key.meter, cycle.opened_at)
        places = Decimal(1) if meter and meter.aggregation in WHOLE else PLACES
        rounded = quantity.quantize(places, rounding=ROUND_HALF_EVEN)
        if rounded:
            known = tallies.get(key, Tally())
            more[key] = replace(
                known,
                records=known.records + 1,
                quantity=EXACT.add(known.quantity, rounded),
                each=[*known.each, *_each(known, rounded, cycle)],
            )
    return more


def _each(known: Tally, quantity: Decimal, cycle: BillingCycle) -> Iterator[Each]:
    """Single records as they have been on average, where a price looks at each."""
    if not known.each:
        return
    usual = sum((each.value for each in known.each), Decimal(0)) / len(known.each)
    count = max(1, min(EACH_MAX, int(quantity / usual))) if usual > 0 else 1
    value = (quantity / count).quantize(PLACES)
    at = micros(cycle.period.end) - 1
    for number in range(count):
        yield Each(at, "forecast", f"{number:06d}", value)
