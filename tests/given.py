"""Given events, when somebody decides, then these events follow, or a refusal."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from domain.billing_cycle import BillingCycle, opened
from domain.errors import CyclebookError
from domain.events.cycle import CycleOpened

Decision = Callable[[BillingCycle], Sequence[object]]


@dataclass
class Given:
    """A cycle as its events have made it, and a decision on it."""

    cycle: BillingCycle
    decision: Decision = field(default=lambda cycle: ())

    def when(self, decision: Decision) -> "Given":
        return Given(self.cycle, decision)

    def then(self, *expected: object) -> BillingCycle:
        """The decision returned these events; the answer is the cycle after them."""
        before = repr(self.cycle)
        events = list(self.decision(self.cycle))
        assert repr(self.cycle) == before, "a decision changed the state"
        assert events == list(expected)
        for event in events:
            self.cycle.apply(event)
        return self.cycle

    def then_nothing(self) -> BillingCycle:
        return self.then()

    def then_refused(self, kind: type[CyclebookError], code: str | None = None) -> None:
        with pytest.raises(kind) as refusal:
            self.decision(self.cycle)
        assert code is None or refusal.value.code == code


def given(first: CycleOpened, *events: object, recorded_at: datetime | None = None) -> Given:
    """A cycle with this history."""
    return Given(cycle_of(first, *events, recorded_at=recorded_at))


def cycle_of(first: CycleOpened, *events: Any, recorded_at: datetime | None = None) -> BillingCycle:
    """A cycle with this history."""
    cycle = opened(first, recorded_at or first.at)
    for event in events:
        cycle.apply(event)
    return cycle
