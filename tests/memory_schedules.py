"""The queue of jobs and the log of runs in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from application.schedule_ports import Asked, DeadJob, LoopSeen, Run, Tally, WorkerSeen

THEN = datetime(2026, 1, 5, 12, tzinfo=UTC)


class MemoryRuns:
    """The ``RunLog`` port. at: when a run begins and ends."""

    def __init__(self) -> None:
        self.kept: dict[int, Run] = {}
        self.job: dict[int, int] = {}
        self.at = THEN

    def begin(self, asked: Asked, worker: UUID) -> int:
        number = len(self.kept) + 1
        self.job[number] = asked.job
        self.kept[number] = Run(
            id=number,
            schedule=asked.schedule,
            started_at=self.at,
            ended_at=None,
            outcome="running",
            expected=None,
            done=None,
            error=None,
            attempt=asked.attempt,
            asked_by=asked.asked_by,
            worker=worker,
        )
        return number

    def end(self, run: int, outcome: str, tally: Tally | None, error: str | None) -> bool:
        was = self.kept[run]
        if was.ended_at is not None:
            return False
        counts = {} if tally is None else {"expected": tally.expected, "done": tally.done}
        self.kept[run] = replace(was, ended_at=self.at, outcome=outcome, error=error, **counts)
        return True

    def break_off(self, job: int) -> None:
        for run, its in self.job.items():
            if its == job:
                self.end(run, "interrupted", None, None)

    def latest(self) -> Mapping[str, Run]:
        return {each.schedule: each for each in self.kept.values()}

    def list(self, schedule: str, before: int | None, limit: int) -> Sequence[Run]:
        found = [each for each in self.kept.values() if each.schedule == schedule]
        return [each for each in reversed(found) if before is None or each.id < before][:limit]

    def forget(self, older_than: timedelta) -> int:
        return 0


class MemoryJobs:
    """The ``Jobs`` port. told: everything it was asked to do, in words."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def ask(self, schedule: str, actor: str) -> int:
        self.told.append(f"{schedule} for {actor}")
        return len(self.told)

    def again(self, asked: Asked, wait: timedelta) -> None:
        seconds = f"{wait.total_seconds():g}"
        self.told.append(f"{asked.schedule} attempt {asked.attempt} in {seconds} s")

    def settled(self, schedule: str) -> None:
        self.told.append(f"{schedule} settled")

    def dead(self) -> Sequence[DeadJob]:
        return []

    def retry(self, job: int, actor: str) -> int | None:
        return None

    def recover(self) -> int:
        return 0

    def forget(self, older_than: timedelta) -> int:
        return 0


class MemoryCrew:
    """The ``Crew`` port: nobody works."""

    def beat(self, worker: UUID, roles: Sequence[str], loops: Sequence[LoopSeen]) -> None:
        """Nothing is kept."""

    def leave(self, worker: UUID) -> None:
        """Nothing is kept."""

    def list(self, *, stopped: bool = False) -> Sequence[WorkerSeen]:
        return []

    def forget(self, older_than: timedelta) -> int:
        return 0
