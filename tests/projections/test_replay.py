"""A cycle as it was, from its events alone."""

from datetime import datetime

import pytest

from domain.catalog import Catalog, Meter
from domain.errors import NotFound
from domain.events.base import Recorded
from domain.events.cycle import CycleClosed
from domain.events.late import UsageRetracted
from domain.events.usage import PackedRecord, UsageRecorded, micros
from domain.identity import cycle_stream
from domain.tally import Tallies, TallyKey
from projections.replay import replay, replay_control, replay_late
from projections.usage_tally import UsageHistory
from tests.january import CLOSING, CPU, FEBRUARY, JANUARY, OPENED, attached, day, detached
from tests.packing import event_of


def record(value: str, at: datetime) -> PackedRecord:
    return PackedRecord("s", value, "cpu", "a1", value, micros(at), {})


def used(value: str, at: datetime) -> UsageRecorded:
    return event_of([record(value, at)], lambda name: catalog().meters[name][-1])


def history(*events: object) -> list[Recorded]:
    return [
        Recorded(
            stream=cycle_stream("acme.2026-01-01"),
            version=number,
            position=number,
            recorded_at=day(20),
            occurred_at=event.at,  # type: ignore[attr-defined]
            actor="test",
            event=event,
        )
        for number, event in enumerate(events, start=1)
    ]


def catalog() -> Catalog:
    meter = Meter(
        id="cpu", version=1, aggregation="sum", unit="hour", dimensions=(), recorded_at=JANUARY
    )
    return Catalog(meters={"cpu": [meter]}, book={CPU.ref: CPU})


HISTORY = history(
    OPENED,
    attached("a1", day(2), CPU),
    used("7", day(5)),
    used("2", day(12)),
    used("5", day(9)),
    detached("a1", day(10)),
)


@pytest.mark.parametrize(
    ("as_of", "tallies"),
    [
        pytest.param(None, {"cpu@1": 12, "": 2}, id="everything"),
        pytest.param(day(20), {"cpu@1": 12, "": 2}, id="all of it had happened"),
        pytest.param(day(10), {"cpu@1": 12}, id="detached at that instant"),
        pytest.param(day(9), {"cpu@1": 12}, id="its own instant counts"),
        pytest.param(day(8), {"cpu@1": 7}, id="before the ninth"),
        pytest.param(day(4), {}, id="before any usage"),
    ],
)
def test_only_what_had_happened_counts(as_of: datetime | None, tallies: dict[str, int]) -> None:
    cycle, found, version = replay(HISTORY, catalog(), as_of)
    assert {key.price: tally.quantity for key, tally in found.items()} == tallies
    assert all(key[:2] == TallyKey("cpu", "a1", "", ())[:2] for key in found)
    assert version == len(HISTORY)
    (run,) = cycle.attachments["a1"].runs
    assert (run.until == day(10)) is (as_of is None or as_of >= day(10))


def test_the_cycle_itself_is_there_however_early_one_asks() -> None:
    cycle, tallies, _ = replay(HISTORY, catalog(), day(1))
    assert (cycle.id, cycle.attachments, tallies) == ("acme.2026-01-01", {}, {})


def test_without_its_beginning_there_is_no_cycle() -> None:
    with pytest.raises(NotFound):
        replay(HISTORY[1:], catalog())


CLOSED = (
    OPENED,
    attached("a1", day(2), CPU),
    used("7", day(5)),
    used("2", day(12)),
    CLOSING,
    CycleClosed(at=FEBRUARY, version=5),
)
RETRACTED = UsageRetracted(at=day(5), source="s", id="7", record=record("7", day(5)), reason="test")


def quantities(tallies: Tallies | None) -> dict[str, int] | None:
    return tallies and {key.price: int(tally.quantity) for key, tally in tallies.items()}


@pytest.mark.parametrize(
    ("late", "known"),
    [
        pytest.param([], None, id="nothing came late"),
        pytest.param([used("5", day(9))], {"cpu@1": 14}, id="a record"),
        pytest.param([detached("a1", day(10))], {"cpu@1": 7, "": 2}, id="the end of an attachment"),
        pytest.param([RETRACTED], {"cpu@1": 2}, id="a correction"),
        pytest.param(
            [detached("a1", day(10)), used("5", day(9)), RETRACTED],
            {"cpu@1": 5, "": 2},
            id="all of that",
        ),
    ],
)
def test_what_comes_after_the_cut_off_is_in_the_late_tallies_only(
    late: list[object], known: dict[str, int] | None
) -> None:
    events = history(*CLOSED, *late)
    cycle, tallies, _ = replay(events, catalog())
    assert quantities(tallies) == {"cpu@1": 9}
    assert quantities(replay_late(cycle, UsageHistory(events), catalog())) == known


def test_before_the_cut_off_nothing_is_late() -> None:
    events = history(*CLOSED[:-1], used("5", day(9)), RETRACTED)
    cycle, tallies, _ = replay(events, catalog())
    assert quantities(tallies) == {"cpu@1": 7}
    assert replay_late(cycle, UsageHistory(events), catalog()) is None


def test_late_tallies_hold_only_what_had_happened() -> None:
    events = history(*CLOSED, used("5", day(9)), used("3", day(20)))
    cycle = replay_control(each for each in events if not isinstance(each.event, UsageRecorded))
    late = replay_late(cycle, UsageHistory(events), catalog(), day(10))
    assert quantities(late) == {"cpu@1": 12}
