"""Schedules: the periodic work there is, how often it is done, and how it stands."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from application.schedule_ports import Crew, DeadJob, Jobs, Run, RunLog, WorkerSeen
from domain.errors import InvalidInput, NotFound

OFF = "off"
"""The cadence of a schedule that only runs when somebody asks."""

LATE_AFTER = timedelta(minutes=5)
"""So long after its time a schedule that did not run is late: nobody works, or all hang."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """Something that is done again and again.

    words: what it does. cadence: by default, as five fields of cron, in UTC. counts: what its
    ``expected`` and ``done`` are numbers of.
    """

    name: str
    words: str
    cadence: str
    counts: str


SCHEDULES: tuple[Schedule, ...] = (
    Schedule(
        name="closing",
        words="Close, settle and issue what the worker's own loop has left behind.",
        cadence="*/15 * * * *",
        counts="organizations with something due for a minute, and those that went on or wait "
        "for a known reason",
    ),
    Schedule(
        name="final_syncs",
        words="Sync drafts whose period ends soon ahead of time, spread over the hours before.",
        cadence="*/10 * * * *",
        counts="drafts out of step whose period ends soon, and those due before it does",
    ),
    Schedule(
        name="sync_marks",
        words="Queue drafts that were not proved equal since their last change.",
        cadence="20 * * * *",
        counts="drafts not proved since their last change, and those that are queued for it",
    ),
    Schedule(
        name="catch_up",
        words="Find what no webhook told, in Stripe's own lists.",
        cadence="*/3 * * * *",
        counts="what Stripe listed, and what of it was taken",
    ),
    Schedule(
        name="audit",
        words="Compare the books of the last 40 days with Stripe, and mend what is safe.",
        cadence="0 3 * * *",
        counts="cycles of those days, and those of which all sides were read and compared",
    ),
    Schedule(
        name="alerts",
        words="Look at spend and forecast alerts of cycles that did not change, or that the "
        "worker's own loop has left behind.",
        cadence="*/5 * * * *",
        counts="cycles with alerts that were not looked at for ten minutes, and those looked at",
    ),
    Schedule(
        name="upcoming",
        words="Tell of invoices that come soon, each once.",
        cadence="*/5 * * * *",
        counts="cycles that end within INVOICE_UPCOMING_DAYS and were not told of, and those told",
    ),
    Schedule(
        name="sync_troubles",
        words="Tell of syncs that fail for long, or wait for a person, and that they work again.",
        cadence="* * * * *",
        counts="cycles whose sync fails, or did at the last run, and those looked at",
    ),
    Schedule(
        name="quarantine_growth",
        words="Tell, once a day at most, that many usage records cannot be placed.",
        cadence="*/5 * * * *",
        counts="1 where a hundred were quarantined within an hour, and 1 where that is told",
    ),
    Schedule(
        name="checkpoints",
        words="Sum up long cycles, so that they replay fast.",
        cadence="* * * * *",
        counts="cycles with a thousand events more, and the sums made",
    ),
    Schedule(
        name="answers",
        words="Forget answers that are too old to be asked for again.",
        cadence="45 * * * *",
        counts="answers kept under an Idempotency-Key that are too old, and those forgotten",
    ),
    Schedule(
        name="retention",
        words="Forget what ended long ago: runs, workers, notices, e-mails, webhooks, sessions.",
        cadence="10 4 * * *",
        counts="rows that are too old, and those deleted",
    ),
)
"""Every schedule there is; ``api/sweeps.py`` has what each does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How a schedule stands. cadence: ``None`` where it is off. next_at: when it runs next.

    last: its newest run. late: it should have run by now and did not.
    """

    schedule: Schedule
    cadence: str | None
    last: Run | None
    next_at: datetime | None
    late: bool

    @property
    def well(self) -> bool:
        """Whether nobody has to look."""
        return not self.late and (self.last is None or self.last.well)


@dataclass(frozen=True, kw_only=True, slots=True)
class Times:
    """Reads cadences. after, before: the nearest time beyond an instant, or up to it."""

    after: Callable[[str, datetime], datetime]
    before: Callable[[str, datetime], datetime]


def cadences(text: str, is_cadence: Callable[[str], bool]) -> Mapping[str, str | None]:
    """Every schedule's cadence by a text such as ``audit=0 2 * * *;catch_up=off``; others as usual.

    Raises:
        InvalidInput: there is no such schedule, it is named twice, or that is no cadence; all
            that is wrong at once.
    """
    found: dict[str, str | None] = {each.name: each.cadence for each in SCHEDULES}
    seen: set[str] = set()
    wrong: list[str] = []
    for part in filter(None, map(str.strip, text.split(";"))):
        name, _, cadence = (each.strip() for each in part.partition("="))
        if name not in found:
            wrong.append(f"there is no schedule {name!r}; there are {', '.join(found)}")
            continue
        if name in seen:
            wrong.append(f"schedule {name} is named twice")
        if cadence.lower() != OFF and not is_cadence(cadence):
            wrong.append(
                f"{cadence!r} is no cadence for {name}: give five fields of cron, such as"
                f" '*/5 * * * *', or {OFF}"
            )
        seen.add(name)
        found[name] = None if cadence.lower() == OFF else cadence
    if wrong:
        raise InvalidInput("; ".join(wrong))
    return found


class Schedules:
    """What people see of schedules, their jobs and the workers, and may ask of them."""

    def __init__(
        self,
        cadences: Mapping[str, str | None],
        times: Times,
        runs: RunLog,
        jobs: Jobs,
        crew: Crew,
        now: Callable[[], datetime],
    ) -> None:
        self._cadences = cadences
        self._times = times
        self._runs = runs
        self._jobs = jobs
        self._crew = crew
        self._now = now

    def list(self) -> Sequence[Standing]:
        """Every schedule as it stands."""
        latest, now = self._runs.latest(), self._now()
        return [self._standing(each, latest.get(each.name), now) for each in SCHEDULES]

    def runs(self, schedule: str, before: int | None = None, limit: int = 50) -> Sequence[Run]:
        """The newest runs of one, first the last.

        Raises:
            NotFound: there is no such schedule.
        """
        self._require(schedule)
        return self._runs.list(schedule, before, limit)

    def run(self, schedule: str, actor: str) -> int:
        """Have one run now, by whichever worker is free; the number of its job.

        One that waits already is brought forward; while it runs, this one comes after it.

        Raises:
            NotFound: there is no such schedule.
        """
        self._require(schedule)
        return self._jobs.ask(schedule, actor)

    def jobs(self) -> Sequence[DeadJob]:
        """Jobs that failed for good, or whose worker is gone; the newest first."""
        return self._jobs.dead()

    def retry(self, job: int, actor: str) -> int:
        """Do what a dead job was to do, now; the number of the new one.

        Raises:
            NotFound: no such job is dead.
        """
        again = self._jobs.retry(job, actor)
        if again is None:
            raise NotFound(f"no job {job} has failed")
        return again

    def workers(self, *, stopped: bool = False) -> Sequence[WorkerSeen]:
        """The workers seen lately, the newest first; last, if asked for, those that stopped."""
        return self._crew.list(stopped=stopped)

    def _standing(self, schedule: Schedule, last: Run | None, now: datetime) -> Standing:
        cadence = self._cadences[schedule.name]
        late = False
        if cadence is not None:
            was_due = self._times.before(cadence, now - LATE_AFTER)
            late = last is None or last.started_at < was_due
        return Standing(
            schedule=schedule,
            cadence=cadence,
            last=last,
            next_at=None if cadence is None else self._times.after(cadence, now),
            late=late,
        )

    @staticmethod
    def _require(schedule: str) -> None:
        if schedule not in {each.name for each in SCHEDULES}:
            raise NotFound(f"there is no schedule {schedule}")
