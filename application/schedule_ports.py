"""What schedules need of the store: a log of runs, a queue of jobs, and a list of workers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

BY_ITSELF = "schedule"
"""Who asks for a run whose time has come."""

NAMED_MAX = 10
"""A tally's problem names so many at most."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """What a run came to, counted from the books. problem: why something is missing, if known."""

    expected: int
    done: int
    problem: str | None = None


def missing(why: str, which: Sequence[str]) -> str | None:
    """The problem of a tally: the first few that are missing, or ``None`` where none is.

    >>> missing("broke off", ["acme", "globex"]), missing("broke off", [])
    ('broke off: acme, globex', None)
    """
    return f"{why}: {', '.join(which[:NAMED_MAX])}" if which else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A run that is to be made. attempt: from 1. job: its number in the queue."""

    schedule: str
    job: int
    attempt: int = 1
    asked_by: str = BY_ITSELF


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A run of a schedule, under way or over.

    outcome: ``running``, ``done``, ``incomplete`` (less done than expected), ``failed``, ``lost``
    (its worker died) or ``interrupted`` (its worker had to stop). error: in words.
    """

    id: int
    schedule: str
    started_at: datetime
    ended_at: datetime | None
    outcome: str
    expected: int | None
    done: int | None
    error: str | None
    attempt: int
    asked_by: str
    worker: UUID

    @property
    def well(self) -> bool:
        """Whether nobody has to look."""
        return self.outcome in ("running", "done", "interrupted")


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadJob:
    """A job that does not go on by itself, or not yet: ``failed``, or ``stalled``.

    error: why, in words; never empty.
    """

    id: int
    schedule: str
    status: str
    attempt: int
    asked_by: str
    at: datetime | None
    error: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopSeen:
    """How a worker's loop is doing: failures in a row, and the last one's words."""

    name: str
    steps: int
    failures: int
    problem: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerSeen:
    """A worker process. state: ``working``, ``silent`` (nothing heard for a while), ``replaced``
    (silent for longer, but others have all its roles) or ``stopped``."""

    id: UUID
    host: str
    pid: int
    roles: Sequence[str]
    state: str
    started_at: datetime
    beat_at: datetime
    stopped_at: datetime | None
    loops: Sequence[LoopSeen]


class RunLog(Protocol):
    """Keeps what became of each run."""

    def begin(self, asked: Asked, worker: UUID) -> int:
        """Note that a run begins; its number."""
        ...

    def end(self, run: int, outcome: str, tally: Tally | None, error: str | None) -> bool:
        """Note how it ended; whether it was still open."""
        ...

    def break_off(self, job: int) -> None:
        """Note that the run of a job is interrupted, if it is still open."""
        ...

    def latest(self) -> Mapping[str, Run]:
        """The newest run of each schedule."""
        ...

    def list(self, schedule: str, before: int | None, limit: int) -> Sequence[Run]:
        """The newest runs of one, before a number."""
        ...

    def forget(self, older_than: timedelta) -> int:
        """Delete what is older, but never a schedule's newest run; how many."""
        ...


class Jobs(Protocol):
    """The queue of runs that are to be made."""

    def ask(self, schedule: str, actor: str) -> int:
        """Have one made at once, or bring forward the one that waits; its number."""
        ...

    def again(self, asked: Asked, wait: timedelta) -> None:
        """Have one made again after a while; one that waits already takes its place."""
        ...

    def settled(self, schedule: str) -> None:
        """Forget the failures of a schedule: a newer run tells more."""
        ...

    def dead(self) -> Sequence[DeadJob]:
        """Those that failed for good, and those whose worker is gone."""
        ...

    def retry(self, job: int, actor: str) -> int | None:
        """Make a dead one anew; the new number, or ``None`` where it is not dead."""
        ...

    def recover(self) -> int:
        """Have jobs made again whose worker is gone, or of which the database, being away, was
        not told what came of them; how many."""
        ...

    def forget(self, older_than: timedelta) -> int:
        """Delete finished jobs, and the ids of workers that are gone; how many."""
        ...


class Crew(Protocol):
    """The list of workers."""

    def beat(self, worker: UUID, roles: Sequence[str], loops: Sequence[LoopSeen]) -> None:
        """Say that this process works, and how."""
        ...

    def leave(self, worker: UUID) -> None:
        """Say that it stopped."""
        ...

    def list(self, *, stopped: bool = False) -> Sequence[WorkerSeen]:
        """The workers seen lately, the newest first; last, if asked for, those that stopped."""
        ...

    def forget(self, older_than: timedelta) -> int:
        """Delete those not seen since; how many."""
        ...
