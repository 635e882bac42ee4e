"""Carrying over: what a cycle must say so that it begins as the one before it ended."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from domain.attachment import Attachment, Run
from domain.cycle.history import CycleHistory
from domain.events.amounts import DiscountEnded, DiscountGranted
from domain.events.cycle import (
    AttachmentQuantityChanged,
    CycleEvent,
    ServiceAttached,
    ServiceDetached,
    TrialEnded,
    TrialStarted,
)

WHY_ENDED = "it was ended in the cycle before"


def carried(before: CycleHistory, here: CycleHistory, start: datetime) -> list[CycleEvent]:
    """The differences between what ran on at the end of a cycle and what this one began with.

    before, here: the cycle that ended at ``start``, and the one that began.
    """
    past, now = before.as_known().attachments, here.as_known().attachments
    events: list[CycleEvent] = []
    for key in sorted(past.keys() | now.keys()):
        run = past[key].running_on() if key in past else None
        events += _differences(key, run, _carried_run(now.get(key)), start)
    return [*events, *_discounts(before, here, start)]


def _carried_run(known: Attachment | None) -> Run | None:
    """The run that came over, unless it was found to have ended before."""
    runs = known.runs if known else ()
    return next((run for run in runs if run.carried and not run.cancelled), None)


def _differences(
    key: str, run: Run | None, mine: Run | None, start: datetime
) -> Iterator[CycleEvent]:
    if mine is None:
        if run is not None:
            yield from _attached(key, run, start)
    elif mine.until == start:
        # Somebody ended it at this very instant: whatever ran before, nothing goes on.
        return
    elif run is None:
        yield ServiceDetached(at=start, attachment=key, carried=True)
    elif (run.service, run.prices) != (mine.service, mine.prices):
        yield ServiceDetached(at=start, attachment=key, carried=True)
        yield from _attached(key, run, start)
        if mine.until is not None:
            yield ServiceDetached(at=mine.until, attachment=key, carried=True)
    else:
        yield from _quantity(key, run, mine, start)
        yield from _trial(key, run, mine, start)


def _quantity(key: str, run: Run, mine: Run, start: datetime) -> Iterator[CycleEvent]:
    count = run.quantities[-1][1]
    if not mine.restated and mine.quantity_at(start) != count:
        yield AttachmentQuantityChanged(at=start, attachment=key, quantity=count, carried=True)


def _trial(key: str, run: Run, mine: Run, start: datetime) -> Iterator[CycleEvent]:
    """One that was ended here is over by then, however long it would go on."""
    until = trial_at(run, start)
    if until and mine.trial_ended:
        until = min(until, mine.trial_ended) if mine.trial_ended > start else None
    if mine.trial_own or until == trial_at(mine, start):
        return
    if until:
        yield TrialStarted(at=start, attachment=key, until=until, carried=True)
    else:
        yield TrialEnded(at=start, attachment=key, carried=True)


def trial_at(run: Run, start: datetime) -> datetime | None:
    """Until when a trial goes on after an instant."""
    return run.trial_until if run.trial_until and run.trial_until > start else None


def _attached(key: str, run: Run, start: datetime) -> Iterator[CycleEvent]:
    yield ServiceAttached(
        at=start,
        attachment=key,
        service=run.service,
        name=run.name,
        quantity=run.quantities[-1][1],
        prices=run.prices,
        carried=True,
    )
    if until := trial_at(run, start):
        yield TrialStarted(at=start, attachment=key, until=until, carried=True)


def _discounts(before: CycleHistory, here: CycleHistory, start: datetime) -> Iterator[CycleEvent]:
    """Discounts that go on, with one invoice less to go; and those that do not any more."""
    going = {
        each.discount: replace(each, at=start, carried=True, cycles=each.cycles and each.cycles - 1)
        for each in before.discounts.values()
        if each.cycles != 1
    }
    for discount, granted in going.items():
        known = here.discounts.get(discount)
        if known is None or (known.carried and _terms(known) != _terms(granted)):
            yield granted
    for discount, known in here.discounts.items():
        if known.carried and discount not in going:
            yield DiscountEnded(at=start, discount=discount, reason=WHY_ENDED, carried=True)


def _terms(granted: DiscountGranted) -> tuple[object, ...]:
    return (granted.percent, granted.amount, granted.prices, granted.cycles)
