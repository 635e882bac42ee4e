"""What each schedule does: one function for each, which counts what it should do and did."""

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial

from api.wiring import Wired
from application.closing_due import ACTOR
from application.pacing import Lane, in_lane
from application.schedule_ports import Tally, missing
from application.sweeping import Sweep
from domain.errors import GatewayUnavailable

LEFT_BEHIND = timedelta(minutes=1)
"""The worker's own loop closes within seconds; what is due for so long it has left behind."""

LOOK_AGAIN_S = 1.0
RUNS_KEPT = timedelta(days=30)
WORKERS_KEPT = timedelta(days=1)

log = logging.getLogger(__name__)


def sweeps(wired: Wired) -> Mapping[str, Sweep]:
    """By the name of the schedule, every one of ``application.schedules.SCHEDULES``."""
    ahead = timedelta(hours=wired.settings.final_sync_hours)
    return {
        "closing": partial(_close, wired),
        "final_syncs": lambda now: wired.scheduling.syncs_ahead.before_the_end(ahead),
        "sync_marks": lambda now: wired.scheduling.syncs_ahead.unmarked(),
        "catch_up": partial(_catch_up, wired),
        "audit": partial(_audit, wired),
        "alerts": wired.alert_watch.look_anyway,
        "upcoming": wired.notifying.upcoming.run,
        "sync_troubles": wired.notifying.troubles.run,
        "quarantine_growth": wired.notifying.growth.run,
        "checkpoints": partial(_counted, _all_of(wired.make_checkpoints)),
        "answers": partial(_counted, wired.answers.forget_old),
        "retention": partial(_counted, partial(_forget, wired)),
    }


def sweeps_by_hand(wired: Wired) -> Mapping[str, Sweep]:
    """Those that do something else when a person asks: whoever repaired something audits anew."""
    return {"audit": partial(_audit, wired, anew=True)}


def _counted(work: Callable[[], int], now: datetime) -> Tally:
    """What takes all there is, or fails."""
    done = work()
    return Tally(expected=done, done=done)


def _all_of(step: Callable[[], int]) -> Callable[[], int]:
    return lambda: sum(iter(step, 0))


def _close(wired: Wired, now: datetime) -> Tally:
    broken: list[str] = []

    def failed(organization: str, error: Exception) -> None:
        log.error("closing %s broke off: %s", organization, error)
        broken.append(organization)

    done = wired.closing.advance_due(now - LEFT_BEHIND, ACTOR, failed)
    problem = missing("broke off", broken)
    return Tally(expected=len(done) + len(broken), done=len(done), problem=problem)


def _catch_up(wired: Wired, now: datetime) -> Tally:
    _require_stripe(wired)
    with in_lane(Lane.NORMAL):
        caught = wired.catching_up.run(now)
    looked = caught.events + caught.invoices
    return Tally(expected=looked, done=looked)


def _audit(wired: Wired, now: datetime, *, anew: bool = False) -> Tally:
    if wired.settings.shadow:  # nothing of ours is at Stripe: `cyclebook shadow` compares
        return Tally(expected=0, done=0)
    asked = wired.reconciliations.request_daily(now, anew=anew)
    if asked is None:
        return Tally(expected=0, done=0)
    pause = threading.Event()
    while (report := wired.reconciliations.get(asked.id)).status in ("requested", "running"):
        _require_stripe(wired)
        with in_lane(Lane.NORMAL):
            stepped = wired.reconciliations.step()
        if not stepped:  # another worker is at it
            pause.wait(LOOK_AGAIN_S)
    return Tally(expected=report.expected, done=report.done, problem=report.problem)


def _forget(wired: Wired) -> int:
    return sum(
        (
            wired.scheduling.runs.forget(RUNS_KEPT),
            wired.scheduling.jobs.forget(RUNS_KEPT),
            wired.scheduling.crew.forget(WORKERS_KEPT),
            wired.scheduling.syncs_ahead.forget(),
            *(_all_of(prune)() for prune in wired.notifying.prune),
        )
    )


def _require_stripe(wired: Wired) -> None:
    """While Stripe is away nothing could be asked, and the run comes again."""
    if wired.stripe_away():
        raise GatewayUnavailable("Stripe does not answer just now; tried again by itself")
