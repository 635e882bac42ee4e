"""The plain second count agrees with the books, whatever life brings, and tells where it does not."""

import os

from hypothesis import settings
from hypothesis.stateful import invariant

from application.verification import Verification
from projections.checks.broken import Broken
from tests.application.test_life_machine import Life
from tests.memory_verified import MemoryVerifiedStore
from tests.world import World

CYCLE = "acme.2026-01-01"


def verification(made: World) -> Verification:
    return Verification(
        MemoryVerifiedStore(made.store), made.invoices, made.gateway.find, made.clock
    )


def broken(made: World) -> list[Broken]:
    return verification(made).run("acme").broken


class CountedTwice(Life):
    """A life in which everything is counted a second time after every step."""

    @invariant()
    def a_second_plain_count_agrees(self) -> None:
        assert broken(self.made) == []


TestCountedTwice = CountedTwice.TestCase
TestCountedTwice.settings = settings(
    max_examples=int(os.environ.get("DEEP_EXAMPLES", "15")), stateful_step_count=30, deadline=None
)
