"""Duties: what one loop does every so often, each when it is due."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from application.about import begin
from application.worker import LONGEST_PAUSE, Health, log_failure, longest_pause, words_of


@dataclass(slots=True, kw_only=True)
class Duty:
    """Something to be done every so often. run: whether there is more to do at once."""

    name: str
    every: timedelta
    run: Callable[[datetime], bool]
    health: Health = field(init=False)
    due_at: datetime | None = None

    def __post_init__(self) -> None:
        self.health = Health(self.name)


class Scheduler:
    """Does duties when they are due. One that fails does not keep the others from theirs.

    now: the clock, aware UTC.
    """

    def __init__(self, duties: Sequence[Duty], now: Callable[[], datetime]) -> None:
        self.duties = duties
        self._now = now

    def step(self) -> bool:
        """Do the duty that is due longest; whether one is due now.

        No more than one: each may wait for a database that is away, and whoever stops us does not
        wait for all of them.
        """
        due = self._due()
        if due:
            self._do(min(due, key=_since))
        return bool(self._due())

    def _due(self) -> list[Duty]:
        now = self._now()
        return [each for each in self.duties if each.due_at is None or each.due_at <= now]

    def _do(self, duty: Duty) -> None:
        begin()
        now = self._now()
        more, pause = False, duty.every
        health = duty.health
        try:
            more = duty.run(now)
            health.steps, health.failures, health.problem = health.steps + 1, 0, None
        except Exception as error:  # kept as the duty's health; the other duties go on
            health.failures += 1
            health.problem = words_of(error)
            pause = duty.every * (1 << min(health.failures, 6))
            pause = min(pause, longest_pause(error, max(duty.every, LONGEST_PAUSE)))
            log_failure(duty.name, pause, error)
        duty.due_at = now if more else now + pause


def _since(duty: Duty) -> datetime:
    return duty.due_at or datetime.min.replace(tzinfo=UTC)
