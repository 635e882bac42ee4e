"""Which local day usage belongs to."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.attribution import FILTERED
from domain.catalog import Meter
from domain.correction import Correction
from domain.events.late import CorrectionReverted, UsageCorrected, UsageRetracted
from domain.events.usage import HeaderTally, PackedRecord, micros
from domain.period import zone
from projections.usage_by_day import DailyUsage, DayKey, Place, Recount, day_of, days_touched
from projections.usage_tally import Stretch

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Havana",  # clocks change at midnight
    "Pacific/Kiritimati",
    "Pacific/Apia",  # had no 30 December 2011
)
SINCE = datetime(2011, 1, 1, tzinfo=UTC)
BERLIN = Place("acme", "Europe/Berlin")


def meter(aggregation: str) -> Meter:
    return Meter(
        id="cpu",
        version=1,
        aggregation=aggregation,
        unit="u",
        dimensions=(),
        recorded_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


@given(
    st.sampled_from(ZONES),
    st.integers(0, 29 * 366 * 24 * 60).map(lambda minutes: SINCE + timedelta(minutes=minutes)),
)
def test_a_day_is_what_the_calendar_on_the_wall_says(name: str, at: datetime) -> None:
    assert day_of(name, micros(at)) == at.astimezone(zone(name)).date()


@pytest.mark.parametrize(
    ("aggregation", "first", "last", "whole"),
    [
        pytest.param("sum", 0, 23, True, id="one day in Berlin"),
        pytest.param("sum", 0, 24, False, id="midnight lies inside"),
        pytest.param("unique", 1, 2, False, id="distinct values are not in a header"),
        pytest.param("time_weighted", 1, 2, False, id="nor are values over time"),
    ],
)
def test_a_header_is_enough_within_a_day(
    aggregation: str, first: int, last: int, whole: bool
) -> None:
    midnight = datetime(2026, 1, 4, 23, tzinfo=UTC)
    lo, hi = (micros(midnight + timedelta(hours=hours)) for hours in (first, last))
    stretch = Stretch(lo, hi, [HeaderTally("cpu", "", {}, 2, "3", lo, hi)])
    counted = meter(aggregation)
    assert DailyUsage().whole(BERLIN, stretch, lambda name: counted) is whole


def test_opened_records_go_to_their_own_days() -> None:
    midnight = micros(datetime(2026, 1, 4, 23, tzinfo=UTC))
    records = [
        PackedRecord("s", "1", "cpu", "", "1.5", midnight - 1, {}),
        PackedRecord("s", "2", "cpu", "", "2", midnight, {}),
    ]
    daily = DailyUsage()
    counted = meter("sum")
    daily.add(BERLIN, Stretch(midnight - 1, midnight, [], records), lambda name: counted)
    assert {key: str(tally.quantity) for key, (_, tally) in daily.days.items()} == {
        DayKey("acme", "cpu", date(2026, 1, 4)): "1.5",
        DayKey("acme", "cpu", date(2026, 1, 5)): "2",
    }


def test_a_day_counts_what_its_meter_does() -> None:
    noon = micros(datetime(2026, 1, 5, 12, tzinfo=UTC))
    users = replace(meter("unique"), filter={"plan": ("pro",)})
    pro = {"plan": "pro"}
    records = [
        PackedRecord("s", "1", "cpu", "", "ann", noon, pro),
        PackedRecord("s", "2", "cpu", "", "bob", noon, pro),
        PackedRecord("s", "3", "cpu", "", "eve", noon, {"plan": "free"}),
        PackedRecord("s", "4", "cpu", "", "ann", noon + 1, {**pro, "operation": "remove"}),
    ]
    daily = DailyUsage()
    daily.add(BERLIN, Stretch(noon, noon + 1, [], records), lambda name: users)
    ((_, tally),) = daily.days.values()
    assert (tally.quantity, tally.records) == (2, 3)


def test_a_header_of_what_a_filter_leaves_out_is_on_no_day() -> None:
    noon = micros(datetime(2026, 1, 5, 12, tzinfo=UTC))
    headers = [HeaderTally("cpu", name, {}, 1, "2", noon, noon) for name in ("a1", FILTERED)]
    daily, counted = DailyUsage(), meter("sum")
    daily.add(BERLIN, Stretch(noon, noon, headers), lambda name: counted)
    ((_, tally),) = daily.days.values()
    assert (tally.quantity, tally.records) == (2, 1)


# Counted again


def at(day: int, hour: int = 12) -> int:
    return micros(datetime(2026, 1, day, hour, tzinfo=UTC))


def packed(identity: str, value: str, when: int, **properties: str) -> PackedRecord:
    return PackedRecord("s", identity, "cpu", "", value, when, properties)


ONE, TWO, THREE = packed("1", "1", at(5)), packed("2", "2", at(5, 13)), packed("3", "4", at(6))
FIFTH, SIXTH, SEVENTH = (DayKey("acme", "cpu", date(2026, 1, day)) for day in (5, 6, 7))


def recounted(
    counted: Meter, days: set[DayKey], *corrections: Correction
) -> dict[DayKey, tuple[str, int]]:
    """What is on some days: (quantity, records)."""
    recount = Recount(days)
    recount.correct(BERLIN, {(c.record.source, c.record.id): c for c in corrections})
    for record in (ONE, TWO, THREE):
        header = HeaderTally("cpu", "", {}, 1, record.value, record.at, record.at)
        stretch = Stretch(record.at, record.at, [header])
        if not recount.whole(BERLIN, stretch, lambda name: counted):
            stretch.records = [record]
        recount.add(BERLIN, stretch, lambda name: counted)
    return {key: (str(tally.quantity), tally.records) for key, (_, tally) in recount.days.items()}


@pytest.mark.parametrize(
    ("aggregation", "left"),
    [("sum", "1"), ("count", "1"), ("max", "1"), ("latest", "1"), ("unique", "1")],
)
def test_what_was_retracted_is_on_no_day(aggregation: str, left: str) -> None:
    gone = Correction(record=TWO, becomes=None)
    assert recounted(meter(aggregation), {FIFTH}, gone) == {FIFTH: (left, 1)}


def test_a_day_of_which_all_was_retracted_is_no_day() -> None:
    gone = Correction(record=THREE, becomes=None)
    assert recounted(meter("sum"), {SIXTH}, gone) == {}


def test_what_was_corrected_counts_on_the_day_it_was_moved_to() -> None:
    moved = Correction(record=ONE, becomes=ONE._replace(value="8", at=at(6, 1)))
    days = {FIFTH, SIXTH}
    assert recounted(meter("max"), days, moved) == {FIFTH: ("2", 1), SIXTH: ("8", 2)}
    assert recounted(meter("sum"), {SIXTH}, moved) == {SIXTH: ("12", 2)}


def test_days_that_nothing_touches_are_left_out() -> None:
    assert recounted(meter("sum"), {SEVENTH}) == {}


def test_every_day_a_record_ever_counted_on_is_touched() -> None:
    said = {"at": datetime(2026, 1, 5, 12, tzinfo=UTC), "source": "s", "id": "1", "record": ONE}
    history = [
        UsageCorrected(**said, becomes=ONE._replace(at=at(6)), reason="x"),
        UsageCorrected(**said, becomes=ONE._replace(at=at(7)), reason="x"),
        CorrectionReverted(**said, reason="x"),
        UsageRetracted(**{**said, "id": "2", "record": packed("2", "1", at(9))}, reason="x"),
    ]
    assert days_touched(BERLIN, history, {("s", "1")}) == {FIFTH, SIXTH, SEVENTH}
