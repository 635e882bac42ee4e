"""Closing what is due: nobody waits for those who cannot go on."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from application.closing import Advance, Waiting
from application.closing_due import AT_ONCE, ClosingDue
from domain.errors import Busy, StoreUnavailable

NOW = datetime(2026, 2, 1, tzinfo=UTC)
HELD = Advance(waiting=[Waiting(cycle="c", code="cycle_held", reason="a person looks")])
CLOSED = Advance(closed=["c"])
IDLE = Advance()


class Organizations:
    """Some organizations, and what becomes of each that is advanced."""

    def __init__(self, **outcomes: Advance | Exception) -> None:
        self.outcomes = outcomes
        self.advanced: list[str] = []

    def due(self, now: datetime, limit: int) -> Sequence[str]:
        return list(self.outcomes)[:limit]

    def advance(self, organization: str, now: datetime, actor: str) -> Advance:
        self.advanced.append(organization)
        outcome = self.outcomes[organization]
        if isinstance(outcome, Exception):
            raise outcome
        if outcome.did_something:
            del self.outcomes[organization]
        return outcome

    def take(self) -> list[str]:
        taken, self.advanced = self.advanced, []
        return taken


@pytest.mark.parametrize("trouble", [HELD, Busy("somebody else"), KeyError("bug"), IDLE])
def test_who_cannot_go_on_is_left_alone_longer_and_longer(trouble: Advance | Exception) -> None:
    case = Organizations(stuck=trouble, fine=CLOSED)
    duty = ClosingDue(case.due, case.advance)
    tried = []
    for seconds in range(0, 80, 5):
        assert not duty.run(NOW + timedelta(seconds=seconds))
        tried += [(seconds, each) for each in case.take()]
    assert tried == [(0, "stuck"), (0, "fine"), (10, "stuck"), (30, "stuck"), (70, "stuck")]


def test_many_who_cannot_go_on_keep_nobody_waiting() -> None:
    stuck = {f"s{number}": HELD for number in range(AT_ONCE)}
    case = Organizations(**stuck, fine=CLOSED)
    duty = ClosingDue(case.due, case.advance)
    assert duty.run(NOW)
    assert not duty.run(NOW)
    assert case.advanced[AT_ONCE:] == ["fine"]


def test_who_can_go_on_again_is_forgotten() -> None:
    case = Organizations(a=HELD)
    duty = ClosingDue(case.due, case.advance)
    duty.run(NOW)
    case.outcomes["a"] = CLOSED
    duty.run(NOW + timedelta(seconds=10))
    case.outcomes["a"] = CLOSED
    duty.run(NOW + timedelta(seconds=11))
    assert case.advanced == ["a", "a", "a"]


def test_without_the_database_nothing_is_tried_further() -> None:
    case = Organizations(a=StoreUnavailable("away"), b=CLOSED)
    with pytest.raises(StoreUnavailable):
        ClosingDue(case.due, case.advance).run(NOW)
    assert case.advanced == ["a"]


def test_organizations_are_advanced_side_by_side() -> None:
    together = Barrier(3)

    def advance(organization: str, now: datetime, actor: str) -> Advance:
        together.wait(10)
        return IDLE

    assert not ClosingDue(lambda now, limit: ["a", "b", "c"], advance, 3).run(NOW)
    assert not together.broken
