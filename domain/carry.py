"""Carrying over: what a cycle must say so that it begins as the one before it ended."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from domain.attachment import Attachment, Run
from domain.events.cycle import (
    AttachmentQuantityChanged,
    CycleEvent,
    ServiceAttached,
    ServiceDetached,
)


def carried(
    before: Mapping[str, Attachment], here: Mapping[str, Attachment], start: datetime
) -> list[CycleEvent]:
    """The differences between what ran on at the end of a cycle and what this one began with.

    before, here: attachments of the cycle that ended at ``start``, and of the one that began.
    """
    events: list[CycleEvent] = []
    for key in sorted(before.keys() | here.keys()):
        run = _running_on(before.get(key))
        mine = _carried_run(here.get(key))
        events += _differences(key, run, mine, start)
    return events


def _running_on(known: Attachment | None) -> Run | None:
    return next((run for run in known.runs if run.until is None), None) if known else None


def _carried_run(known: Attachment | None) -> Run | None:
    """The run that came over, unless it was found to have ended before."""
    runs = known.runs if known else ()
    return next((run for run in runs if run.carried and not run.cancelled), None)


def _differences(
    key: str, run: Run | None, mine: Run | None, start: datetime
) -> Iterator[CycleEvent]:
    if mine is None:
        if run is not None:
            yield _attached(key, run, start)
    elif mine.until == start:
        # Somebody ended it at this very instant: whatever ran before, nothing goes on.
        return
    elif run is None:
        yield ServiceDetached(at=start, attachment=key, carried=True)
    elif (run.service, run.prices) != (mine.service, mine.prices):
        yield ServiceDetached(at=start, attachment=key, carried=True)
        yield _attached(key, run, start)
        if mine.until is not None:
            yield ServiceDetached(at=mine.until, attachment=key, carried=True)
    elif not mine.restated and mine.quantity_at(start) != run.quantities[-1][1]:
        yield AttachmentQuantityChanged(
            at=start, attachment=key, quantity=run.quantities[-1][1], carried=True
        )


def _attached(key: str, run: Run, start: datetime) -> ServiceAttached:
    return ServiceAttached(
        at=start,
        attachment=key,
        service=run.service,
        name=run.name,
        quantity=run.quantities[-1][1],
        prices=run.prices,
        carried=True,
    )
