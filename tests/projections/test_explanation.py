"""The usage records behind a line: those that its attribution rates, as they count."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest

from domain.billing_cycle import BillingCycle
from domain.catalog import Catalog
from domain.events.base import Recorded
from domain.events.cycle import CycleClosed
from domain.events.late import UsageCorrected, UsageRetracted
from domain.events.usage import PackedRecord, UsageRecorded, micros
from domain.invoice import LineItem
from domain.line_key import line_key
from domain.meter import Meter
from projections.explanation import Behind, UsageEntry
from projections.replay import replay_control, replay_late, replay_usage
from projections.usage_tally import UsageHistory
from tests.january import CLOSING, CPU, FEBRUARY, JANUARY, OPENED, attached, day, detached, price
from tests.packing import event_of

EUROS = price("cpu-eur", meter="cpu", model="per_unit", unit_amount="2", currency="eur")
METER = Meter(
    id="cpu",
    version=1,
    aggregation="sum",
    unit="hour",
    dimensions=(),
    recorded_at=JANUARY,
    filter={"plan": ("pro",)},
)
CATALOG = Catalog(meters={"cpu": [METER]}, book={CPU.ref: CPU, EUROS.ref: EUROS})
KEY = line_key("usage", "a1", CPU.ref)


def record(identity: str, value: str, on: int, plan: str = "pro") -> PackedRecord:
    return PackedRecord("s", identity, "cpu", "a1", value, micros(day(on)), {"plan": plan})


def used(*records: PackedRecord) -> UsageRecorded:
    return event_of(records, lambda name: METER)


def history(*events: Any) -> list[Recorded]:
    return [
        Recorded(
            stream=UUID(int=0),
            version=version,
            position=version,
            recorded_at=day(20),
            occurred_at=event.at,
            actor="test",
            event=event,
        )
        for version, event in enumerate(events, start=1)
    ]


def line(key: str = KEY) -> LineItem:
    return LineItem(
        key=key,
        kind=key.partition("/")[0],
        description="cpu",
        quantity=Fraction(0),
        unit="hour",
        amount=0,
        unrounded=Fraction(0),
        period=OPENED_PERIOD,
        price=CPU.ref,
        attachment="a1",
    )


FIRST, SECOND = record("first", "7", 5), record("second", "2", 12)
EVENTS = (
    OPENED,
    attached("a1", JANUARY, EUROS, CPU),
    used(FIRST, record("left out", "9", 6, plan="free")),
    used(SECOND),
    CLOSING,
    CycleClosed(at=FEBRUARY, version=5),
)


def cycle_of(events: Sequence[Recorded]) -> BillingCycle:
    return replay_control(each for each in events if not isinstance(each.event, UsageRecorded))


OPENED_PERIOD = cycle_of(history(OPENED)).period


def shown(entries: Sequence[UsageEntry]) -> list[tuple[str, str]]:
    return [(entry.id, entry.value) for entry in entries]


RETRACTED = UsageRetracted(at=day(5), source="s", id="first", record=FIRST, reason="test")
CORRECTED = UsageCorrected(
    at=day(12),
    source="s",
    id="second",
    record=SECOND,
    becomes=SECOND._replace(value="3"),
    reason="test",
)


@pytest.mark.parametrize(
    ("corrections", "entries"),
    [
        pytest.param([], [("first", "7"), ("second", "2")], id="what the filter counts"),
        pytest.param([RETRACTED], [("second", "2")], id="without what was retracted"),
        pytest.param([CORRECTED], [("first", "7"), ("second", "3")], id="corrected ones"),
    ],
)
def test_records_behind_a_line_are_those_that_count(
    corrections: list[object], entries: list[tuple[str, str]]
) -> None:
    events = history(*EVENTS[:4], *corrections)
    cycle = cycle_of(events)
    behind = Behind(line(), cycle, CATALOG)
    assert behind.count(replay_usage(cycle, UsageHistory(events), CATALOG)) == len(entries)
    assert shown(behind.page(events, None, 10)[0]) == entries


def test_pages_go_on_where_the_last_one_ended() -> None:
    events = history(*EVENTS)
    behind = Behind(line(), cycle_of(events), CATALOG)
    first, cursor = behind.page(events, None, 1)
    second, end = behind.page(events, cursor, 1)
    assert (shown(first), shown(second), end) == ([("first", "7")], [("second", "2")], None)


def test_late_records_are_behind_the_line_that_bills_them_only() -> None:
    late = used(record("late", "5", 9))
    events = history(*EVENTS, late, RETRACTED, detached("a1", day(10)))
    cycle = cycle_of(events)
    settled = Behind(line(), cycle, CATALOG)
    assert shown(settled.page(events, None, 10)[0]) == [("first", "7"), ("second", "2")]
    billed = Behind(line(f"late/2026-01-01/{KEY}"), cycle.as_known(), CATALOG, late_key=KEY)
    tallies = replay_late(cycle, UsageHistory(events), CATALOG)
    assert tallies is not None
    assert billed.count(tallies) == 1
    assert shown(billed.page(events, None, 10)[0]) == [("late", "5")]
