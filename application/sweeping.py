"""Sweeping: one run of a schedule, counted, written down, and tried again where it failed."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from application.schedule_ports import BY_ITSELF, Asked, Jobs, RunLog, Tally
from application.worker import words_of
from domain.errors import CyclebookError, StoreUnavailable

Sweep = Callable[[datetime], Tally]
"""What a schedule does. Safe to repeat: after a crash nobody knows how far it came."""

PAUSES = (
    timedelta(seconds=10),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=5),
)
"""Between attempts. After the last of them a job is dead: listed, until the next run is well."""

ATTEMPTS_MAX = len(PAUSES) + 1

UNTIL_GONE = timedelta(seconds=5)
"""A worker that stops has ended for certain by then, and whatever it was at with it."""

log = logging.getLogger(__name__)


class Sweeping:
    """Carries out runs. worker: who this is. now: the clock, aware UTC.

    by_hand: what schedules do in a run that a person asked for, where that is another thing.
    """

    def __init__(
        self,
        sweeps: Mapping[str, Sweep],
        runs: RunLog,
        jobs: Jobs,
        worker: UUID,
        now: Callable[[], datetime],
        by_hand: Mapping[str, Sweep] | None = None,
    ) -> None:
        self._sweeps = sweeps
        self._by_hand = {**sweeps, **(by_hand or {})}
        self._runs = runs
        self._jobs = jobs
        self._worker = worker
        self._now = now

    def carry_out(self, asked: Asked) -> None:
        """Make one run. What fails comes again after a pause, as often as ``PAUSES`` says.

        An outage of the database counts as no attempt: it says nothing of the schedule.

        Raises:
            Exception: what failed the last time, so that the job is kept as dead.
            StoreUnavailable: what became of it could not be written down. The queue finds a job
                that ended so (``Jobs.recover``), and has it made again.
        """
        run = self._runs.begin(asked, self._worker)
        try:
            tally = self._sweep(asked)(self._now())
        except Exception as error:  # kept with the run, and with the job when it is the last time
            self._failed(asked, run, error)
            return
        short = _missing(tally)
        if short is not None:
            log.warning("%s did less than it should: %s", asked.schedule, short)
        self._runs.end(run, "done" if short is None else "incomplete", tally, short)
        self._jobs.settled(asked.schedule)

    def interrupted(self, asked: Asked) -> None:
        """Leave a run to another worker, because this one has to stop."""
        self._runs.break_off(asked.job)
        self._jobs.again(asked, UNTIL_GONE)

    def _sweep(self, asked: Asked) -> Sweep:
        return (self._sweeps if asked.asked_by == BY_ITSELF else self._by_hand)[asked.schedule]

    def _failed(self, asked: Asked, run: int, error: Exception) -> None:
        trace = None if isinstance(error, CyclebookError) else error
        words, told = words_of(error), {"trouble": error}
        failed = "%s failed, attempt %s: %s"
        log.warning(failed, asked.schedule, asked.attempt, words, exc_info=trace, extra=told)
        away = isinstance(error, StoreUnavailable)
        last = not away and asked.attempt >= ATTEMPTS_MAX
        # Before the run is told to have failed: after its last attempt that ends a job.
        if away:
            self._jobs.again(asked, PAUSES[0])
        elif not last:
            pause = PAUSES[asked.attempt - 1]
            self._jobs.again(replace(asked, attempt=asked.attempt + 1), pause)
        self._runs.end(run, "failed", None, words)
        if last:
            self._jobs.settled(asked.schedule)
            raise error


def _missing(tally: Tally) -> str | None:
    if tally.done >= tally.expected and tally.problem is None:
        return None
    told = f"{tally.done} of {tally.expected} done"
    return told if tally.problem is None else f"{told}: {tally.problem}"
