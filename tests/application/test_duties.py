"""Duties: done when they are due, one that fails waits alone."""

from datetime import UTC, datetime, timedelta

import pytest

from application.duties import Duty, Scheduler
from application.worker import STORE_PAUSE
from domain.errors import GatewayUnavailable, StoreUnavailable

NOW = datetime(2026, 1, 5, tzinfo=UTC)


def test_duties_are_done_when_due_and_a_failing_one_waits_alone() -> None:
    clock = [NOW]
    done: list[str] = []

    def broken(now: datetime) -> bool:
        done.append("broken")
        raise ValueError("no")

    def fine(now: datetime) -> bool:
        done.append("fine")
        return False

    duties = [
        Duty(name="broken", every=timedelta(seconds=10), run=broken),
        Duty(name="fine", every=timedelta(seconds=10), run=fine),
    ]
    scheduler = Scheduler(duties, lambda: clock[0])
    for _ in range(4):
        while scheduler.step():
            pass
        clock[0] += timedelta(seconds=10)
    assert done == ["broken", "fine", "fine", "broken", "fine", "fine"]
    assert duties[0].health.problem == "ValueError: no"
    assert duties[1].health.steps == 4


def test_between_duties_one_can_stop_and_none_waits_for_ever() -> None:
    done: list[str] = []

    def duty(name: str, more: bool) -> Duty:
        def run(now: datetime) -> bool:
            done.append(name)
            clock[0] += timedelta(seconds=3)
            return more

        return Duty(name=name, every=timedelta(seconds=1), run=run)

    clock = [NOW]
    scheduler = Scheduler([duty("never done", True), duty("slow", False)], lambda: clock[0])
    assert [scheduler.step() for _ in range(4)] == [True] * 4
    assert done == ["never done", "slow"] * 2


def test_a_duty_with_more_to_do_is_done_again_at_once() -> None:
    left = [3]

    def run(now: datetime) -> bool:
        left[0] -= 1
        return left[0] > 0

    scheduler = Scheduler([Duty(name="d", every=timedelta(hours=1), run=run)], lambda: NOW)
    assert [scheduler.step() for _ in range(4)] == [True, True, False, False]
    assert left == [0]


@pytest.mark.parametrize(
    ("error", "pause"),
    [
        (GatewayUnavailable("silence"), timedelta(minutes=5)),
        (StoreUnavailable("away"), STORE_PAUSE),
    ],
)
def test_a_rare_duty_is_tried_again_soon_where_only_the_store_was_away(
    error: Exception, pause: timedelta
) -> None:
    failing = [error]

    def run(now: datetime) -> bool:
        if failing:
            raise failing.pop()
        return False

    duty = Duty(name="rare", every=timedelta(minutes=5), run=run)
    scheduler = Scheduler([duty], lambda: clock[0])
    clock = [NOW]
    scheduler.step()
    assert duty.due_at == NOW + pause
    clock[0] += pause
    scheduler.step()
    assert (duty.health.problem, duty.health.steps) == (None, 1)
