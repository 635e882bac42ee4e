"""A worker's part in schedules: it makes runs, takes over from dead workers, tells of itself."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from api.sweeps import sweeps, sweeps_by_hand
from api.wiring import Wired, clock
from application.recovering import Recovering
from application.schedule_ports import Crew, LoopSeen
from application.sweeping import Sweeping
from application.worker import Loop, every
from domain.errors import StoreUnavailable

RECOVER_EVERY = timedelta(seconds=10)
TELL_EVERY = timedelta(seconds=5)
"""Often enough that after an outage all have told of themselves before anybody recovers jobs."""

log = logging.getLogger(__name__)


def schedule_loops(wired: Wired, worker: UUID) -> list[Loop]:
    """Make runs of schedules, and find those whose worker is gone."""
    parts = wired.scheduling
    by_hand = sweeps_by_hand(wired)
    sweeping = Sweeping(sweeps(wired), parts.runs, parts.jobs, worker, clock, by_hand)
    # Not itself a job: whose worker died with it would keep all others from being found.
    recovery = Loop("recovery", Recovering(parts.jobs).step, every(RECOVER_EVERY))
    return [parts.loop(sweeping), recovery]


def telling_loop(crew: Crew, worker: UUID, roles: Sequence[str], loops: Sequence[Loop]) -> Loop:
    """Say every few seconds that this process works, and how its loops are doing."""

    def tell() -> bool:
        crew.beat(worker, roles, _seen(loops))
        return False

    def leave() -> None:
        try:
            crew.leave(worker)
        except StoreUnavailable as error:  # it is seen as silent then
            log.warning("could not say that this worker stops: %s", error)

    return Loop("telling", tell, every(TELL_EVERY), at_end=leave)


def _seen(loops: Sequence[Loop]) -> list[LoopSeen]:
    found = [health for loop in loops for health in (loop.health, *loop.parts)]
    return [
        LoopSeen(name=each.name, steps=each.steps, failures=each.failures, problem=each.problem)
        for each in found
    ]
