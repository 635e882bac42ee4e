"""Trials that go on into the next cycle, and what is said of them there."""

from datetime import datetime
from typing import Any

import pytest

from domain.events.cycle import TrialEnded, TrialStarted
from tests.given import given
from tests.january import FEBRUARY, NEXT, OPENED, attached, day, quantity


def trial(until: datetime, at: datetime = FEBRUARY, *, carried: bool = False) -> TrialStarted:
    return TrialStarted(at=at, attachment="a1", until=until, carried=carried)


def ended(at: datetime, *, carried: bool = False) -> TrialEnded:
    return TrialEnded(at=at, attachment="a1", carried=carried)


def over(until: datetime) -> TrialStarted:
    """As it comes over."""
    return trial(until, carried=True)


TRIED = [attached(), trial(day(45), day(1))]
HERE = attached(at=FEBRUARY, carried=True)


@pytest.mark.parametrize(
    ("january", "february", "expected"),
    [
        pytest.param(TRIED, [], [HERE, over(day(45))], id="a trial goes on"),
        pytest.param(TRIED, [HERE, over(day(45))], [], id="what came over is not said twice"),
        pytest.param(
            [*TRIED, ended(day(20))],
            [HERE, over(day(45))],
            [ended(FEBRUARY, carried=True)],
            id="it was ended before",
        ),
        pytest.param(
            TRIED,
            [HERE, over(day(45)), ended(day(40))],
            [],
            id="one that was ended here stays ended",
        ),
        pytest.param(
            [*TRIED, ended(day(20))],
            [HERE, over(day(45)), ended(day(40))],
            [ended(FEBRUARY, carried=True)],
            id="ended here, and then found to have ended before",
        ),
        pytest.param(
            [attached(), trial(day(36), day(1))],
            [HERE, over(day(45)), ended(day(40))],
            [over(day(36))],
            id="ended here, and then found to end sooner",
        ),
        pytest.param(
            TRIED,
            [HERE, over(day(45)), ended(day(40)), ended(FEBRUARY, carried=True)],
            [over(day(40))],
            id="found to have gone on after all, until it was ended here",
        ),
        pytest.param(
            TRIED,
            [HERE, over(day(45)), ended(FEBRUARY)],
            [],
            id="one that was ended at the very start",
        ),
        pytest.param(
            [attached()],
            [HERE, trial(day(40))],
            [],
            id="one that began here at the very start stays",
        ),
        pytest.param(
            [*TRIED, quantity("a1", 4, day(9))],
            [HERE],
            [quantity("a1", 4, FEBRUARY, carried=True), over(day(45))],
            id="a late quantity and a late trial",
        ),
    ],
)
def test_a_trial_comes_over_and_what_was_said_of_it_here_stays(
    january: list[object], february: list[object], expected: list[Any]
) -> None:
    before = given(OPENED, *january).cycle
    cycle = given(NEXT, *february).when(lambda each: each.carry_from(before)).then(*expected)
    assert cycle.carry_from(before) == []
