"""Credits in an invoice's story: told where they could be used, with who gave them and why."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from domain.events.organization import CreditGranted
from tests.january import FEBRUARY, JANUARY, MARCH, day
from tests.world import ACTOR, World, world

GRACE = timedelta(hours=12)
FIRST, SECOND = "acme.2026-01-01", "acme.2026-02-01"


@pytest.fixture
def made() -> World:
    found = world()
    found.attach("a1", "machine", JANUARY)
    found.travel(day(10))
    return found


def told(made: World, cycle: str) -> list[str]:
    return [each.what for each in made.invoices.history(cycle) if "redit" in each.what]


def issued(made: World) -> None:
    made.travel(FEBRUARY)
    made.advance()
    made.travel(FEBRUARY + GRACE)
    made.advance()


def test_a_credit_is_told_at_its_time_with_who_and_why(made: World) -> None:
    made.credit("sorry", 1000)
    (entry,) = [each for each in made.invoices.history(FIRST) if "Credit" in each.what]
    assert entry.what == "Credit sorry of 10.00 USD granted (sorry)"
    assert (entry.actor, entry.occurred_at) == (ACTOR, day(10))


def in_its_grace(made: World) -> None:
    made.travel(FEBRUARY)
    made.advance()
    made.credit("late", 700)


def after_its_issue(made: World) -> None:
    issued(made)
    made.credit("next", 700)


def after_it_was_forgiven(made: World) -> None:
    issued(made)
    made.voiding.void(FIRST, "forgive", "a bad month", actor=ACTOR)
    made.credit("next", 700)


def before_and_used_up(made: World) -> None:
    made.credit("all", 700)
    issued(made)


def before_and_left_over(made: World) -> None:
    made.credit("large", 1_000_000)
    issued(made)
    made.travel(MARCH + GRACE)
    made.advance()


@pytest.mark.parametrize(
    ("happened", "in_first", "in_second"),
    [
        pytest.param(in_its_grace, ["late"], ["late"], id="granted before the first was settled"),
        pytest.param(after_its_issue, [], ["next"], id="granted after the first was issued"),
        pytest.param(after_it_was_forgiven, [], ["next"], id="granted after it was forgiven"),
        pytest.param(before_and_used_up, ["all"], [], id="used up by the first"),
        pytest.param(before_and_left_over, ["large"], ["large"], id="used by the second as well"),
    ],
)
def test_a_grant_stands_in_the_stories_of_the_invoices_it_can_be_used_on(
    made: World, happened: Callable[[World], None], in_first: list[str], in_second: list[str]
) -> None:
    happened(made)
    granted = [
        [
            each.event.credit
            for each in made.invoices.events(cycle)
            if isinstance(each.event, CreditGranted)
        ]
        for cycle in (FIRST, SECOND)
        if cycle in made.store.cycle_names("acme")
    ]
    assert granted == [in_first, in_second][: len(granted)]


def test_what_was_left_of_a_credit_is_told_where_its_grant_was(made: World) -> None:
    made.credit("brief", 900_000, expires_at=day(20))
    issued(made)
    first, *_, last = told(made, FIRST)
    assert first.startswith("Credit brief of 9,000.00 USD granted, until 2026-01-20")
    assert last.startswith("Credit brief expired: ")
    assert told(made, SECOND) == []
