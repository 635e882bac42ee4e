"""Publishing: what is defined twice exists once, also when two do it at the same moment."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from application.publishing import Publishing
from domain.errors import NotFound
from tests.january import JANUARY
from tests.memory import MemoryStore
from tests.world import ACTOR, world

METER = {"aggregation": "sum", "unit": "hour"}


def test_what_is_published_can_be_read() -> None:
    made = world()
    publishing = made.publishing
    assert publishing.meter("cpu").dimensions == ("region",)
    assert publishing.service("machine").prices == ("base", "cpu")
    made.price("base", model="flat", amount="6200")
    assert [each.ref for each in publishing.prices("base")] == ["base@1", "base@2"]
    assert [each.ref for each in publishing.prices()] == ["base@1", "base@2", "cpu@1", "seat@1"]


def test_what_is_not_there_is_not_found() -> None:
    publishing = world().publishing
    for read in (publishing.meter, publishing.service, publishing.prices):
        with pytest.raises(NotFound):
            read("nothing")


def test_the_same_again_changes_nothing() -> None:
    made = world()
    before = list(made.store.events)
    made.meter("cpu", "sum", "region")
    made.price("base", model="flat", amount="3100")
    made.service("machine", "base", "cpu")
    assert made.store.events == before


class Overtaken(MemoryStore):
    """Somebody else publishes just before the first append."""

    def __init__(self, now: datetime, rival: Callable[[Publishing], None]) -> None:
        super().__init__(now)
        self.rivals = [rival]

    def append(
        self, stream: UUID, expected_version: int, events: Sequence[object], **envelope: Any
    ) -> int:
        if self.rivals:
            self.rivals.pop()(Publishing(self, self))
        return super().append(stream, expected_version, events, **envelope)


def test_who_is_overtaken_decides_again() -> None:
    def other(rival: Publishing) -> None:
        rival.define_meter("cpu", METER | {"unit": "second"}, actor="rival", at=JANUARY)

    store = Overtaken(JANUARY, other)
    meter = Publishing(store, store).define_meter("cpu", METER, actor=ACTOR, at=JANUARY)
    assert (meter.version, meter.unit) == (2, "hour")
    assert [each.actor for each in store.events] == ["rival", ACTOR]
