"""A cycle as it was at an instant, rebuilt from its events alone."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from domain.attribution import Attribution
from domain.billing_cycle import BillingCycle, opened
from domain.catalog import Catalog, Meter
from domain.errors import NotFound
from domain.events.base import Recorded
from domain.events.cycle import CycleOpened
from domain.events.usage import UsageRecorded, micros
from domain.tally import Tallies
from projections.usage_tally import UsageFold, UsageHistory, UsageReader, fold_usage


def replay(
    history: Sequence[Recorded], catalog: Catalog, as_of: datetime | None = None
) -> tuple[BillingCycle, Tallies, int]:
    """The cycle, what its usage adds up to, and the version of the last event looked at.

    history: every event that counts, oldest first. To ask what was known at an instant, leave
    out what was recorded later. as_of: only what had happened by then.

    Raises:
        NotFound: there is no ``CycleOpened`` in it.
    """
    control = (each for each in history if not isinstance(each.event, UsageRecorded))
    cycle = replay_control(control, as_of)
    usage = UsageHistory(history)
    return cycle, replay_usage(cycle, usage, catalog, as_of), history[-1].version


def replay_control(history: Iterable[Recorded], as_of: datetime | None = None) -> BillingCycle:
    """The cycle from its events without usage.

    Raises:
        NotFound: there is no ``CycleOpened`` among them.
    """
    cycle: BillingCycle | None = None
    for recorded in history:
        if isinstance(recorded.event, CycleOpened):
            cycle = opened(recorded.event, recorded.recorded_at)
        elif cycle is not None and (as_of is None or recorded.occurred_at <= as_of):
            cycle.apply(recorded.event)
    if cycle is None:
        raise NotFound("the cycle had not been opened by then")
    return cycle


def replay_usage(
    cycle: BillingCycle, usage: UsageReader, catalog: Catalog, as_of: datetime | None = None
) -> Tallies:
    """What usage adds up to in a cycle as that cycle stands: up to its cut-off."""
    return fold_usage(usage, usage_fold(cycle, catalog, as_of), cycle.cutoff)


def replay_late(
    cycle: BillingCycle, usage: UsageReader, catalog: Catalog, as_of: datetime | None = None
) -> Tallies | None:
    """The same with everything known now; ``None`` where nothing came after the cut-off."""
    if cycle.cutoff is None:
        return None
    if not cycle.late and _records(usage) == _records(usage, cycle.cutoff):
        return None
    return fold_usage(usage, usage_fold(cycle.as_known(), catalog, as_of))


def usage_fold(cycle: BillingCycle, catalog: Catalog, as_of: datetime | None = None) -> UsageFold:
    """What adds usage up as a cycle stands. as_of: only what had happened by then."""
    return UsageFold(
        Attribution(cycle.attachments.values(), catalog.book, cycle.currency),
        meters_of(catalog, cycle),
        None if as_of is None else micros(as_of),
        cycle.corrections,
        priced_each(cycle, catalog),
    )


def priced_each(cycle: BillingCycle, catalog: Catalog) -> frozenset[str]:
    """The prices of a cycle that price single records, as refs."""
    refs = {ref for known in cycle.attachments.values() for run in known.runs for ref in run.prices}
    return frozenset(ref for ref in refs if catalog.book[ref].model.per_record)


def _records(usage: UsageReader, upto: int | None = None) -> int:
    """How many records there are, from headers alone."""
    stretches = usage.read(lambda stretch: True, upto)
    return sum(tally.records for stretch in stretches for tally in stretch.tallies)


def meters_of(catalog: Catalog, cycle: BillingCycle) -> Callable[[str], Meter | None]:
    """Looks up the version of a meter that is in force in a cycle."""
    return lambda name: catalog.meter_for(name, cycle.opened_at)
