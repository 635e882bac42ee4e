"""Periods: cut at local midnight on the anchor day, tiling time without a gap."""

import zoneinfo
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.period import Calendar, Period, zone

ZONES = sorted(zoneinfo.available_timezones())


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("calendar", "instant", "start", "end"),
    [
        pytest.param(
            Calendar("UTC", 1), "2026-01-15", "2026-01-01T00:00", "2026-02-01T00:00", id="a month"
        ),
        pytest.param(
            Calendar("UTC", 15),
            "2026-01-14T23:59:59",
            "2025-12-15T00:00",
            "2026-01-15T00:00",
            id="the second before the anchor",
        ),
        pytest.param(
            Calendar("UTC", 15),
            "2026-01-15",
            "2026-01-15T00:00",
            "2026-02-15T00:00",
            id="the anchor itself",
        ),
        pytest.param(
            Calendar("UTC", 31),
            "2026-02-10",
            "2026-01-31T00:00",
            "2026-02-28T00:00",
            id="31 is the 28th in February",
        ),
        pytest.param(
            Calendar("UTC", 31),
            "2026-03-01",
            "2026-02-28T00:00",
            "2026-03-31T00:00",
            id="and 31 again in March",
        ),
        pytest.param(
            Calendar("UTC", 30),
            "2028-02-29",
            "2028-02-29T00:00",
            "2028-03-30T00:00",
            id="30 is the 29th in a leap year",
        ),
        pytest.param(
            Calendar("UTC", 29),
            "2026-02-28",
            "2026-02-28T00:00",
            "2026-03-29T00:00",
            id="29 is the 28th in most years",
        ),
        pytest.param(
            Calendar("Europe/Berlin", 1),
            "2026-03-15",
            "2026-02-28T23:00",
            "2026-03-31T22:00",
            id="an hour shorter where the clocks go forward",
        ),
        pytest.param(
            Calendar("Europe/Berlin", 1),
            "2026-10-15",
            "2026-09-30T22:00",
            "2026-10-31T23:00",
            id="an hour longer where they go back",
        ),
        pytest.param(
            Calendar("America/Santiago", 6),
            "2026-09-20",
            "2026-09-06T04:00",
            "2026-10-06T03:00",
            id="cut at one o'clock where there is no midnight",
        ),
        pytest.param(
            Calendar("Pacific/Kiritimati", 1),
            "2026-01-31T10:00",
            "2026-01-31T10:00",
            "2026-02-28T10:00",
            id="fourteen hours ahead",
        ),
    ],
)
def test_a_full_period_goes_from_anchor_to_anchor(
    calendar: Calendar, instant: str, start: str, end: str
) -> None:
    period = calendar.full_period(at(instant + ("T00:00" if "T" not in instant else "") + "Z"))
    assert period == Period(at(start + "Z"), at(end + "Z"))


@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from(ZONES),
    anchor_day=st.integers(1, 31),
    instant=st.datetimes(
        min_value=datetime(1975, 1, 1),  # noqa: DTZ001
        max_value=datetime(2035, 1, 1),  # noqa: DTZ001
        timezones=st.just(UTC),
    ),
)
def test_periods_tile_time_in_every_zone(name: str, anchor_day: int, instant: datetime) -> None:
    calendar = Calendar(name, anchor_day)
    period = calendar.full_period(instant)
    assert instant in period
    assert calendar.full_period(period.start) == period
    assert calendar.full_period(period.end).start == period.end
    assert calendar.full_period(period.start - timedelta(microseconds=1)).end == period.start
    assert timedelta(days=27) < period.end - period.start < timedelta(days=33)


@pytest.mark.parametrize("anchor_day", [1, 15, 29, 30, 31])
def test_in_every_zone_two_years_of_periods_tile_and_begin_at_the_first_instant_of_a_day(
    anchor_day: int,
) -> None:
    """2027 and 2028, a leap year: every clock change of every zone is in it."""
    first = datetime(2027, 1, 1, 12, tzinfo=UTC)
    for name in ZONES:
        calendar = Calendar(name, anchor_day)
        period = calendar.full_period(first)
        days = []
        for _ in range(24):
            local = period.start.astimezone(zone(name))
            before = (period.start - timedelta(microseconds=1)).astimezone(zone(name))
            assert before.date() < local.date(), "the last instant before it is another day"
            days.append(local.day)
            following = calendar.full_period(period.end)
            assert following.start == period.end
            period = following
        assert set(days) <= {min(anchor_day, last) for last in (28, 29, 30, 31)}
        assert len(days) == 24


@settings(max_examples=200, deadline=None)
@given(
    old=st.tuples(st.sampled_from(ZONES), st.integers(1, 31)),
    new=st.tuples(st.sampled_from(ZONES), st.integers(1, 31)),
    instant=st.datetimes(
        min_value=datetime(2020, 1, 1),  # noqa: DTZ001
        max_value=datetime(2030, 1, 1),  # noqa: DTZ001
        timezones=st.just(UTC),
    ),
)
def test_a_moved_anchor_makes_one_short_period_within_a_full_one(
    old: tuple[str, int], new: tuple[str, int], instant: datetime
) -> None:
    """The cycle after the move begins where the old one ends, and ends at a new anchor."""
    end = Calendar(*old).full_period(instant).end
    full = Calendar(*new).full_period(end)
    short = Period(end, full.end)
    assert full.start <= short.start < short.end
    assert 0 < short.share_of(full) <= 1
    assert Calendar(*new).full_period(short.end).start == short.end


def test_a_zone_nobody_knows_is_refused() -> None:
    for name in ("Europe/Atlantis", "", "../etc/passwd", "UTC\0"):
        with pytest.raises(InvalidInput) as refusal:
            zone(name)
        assert refusal.value.context["field"] == "time_zone"


SPAN = Period(at("2026-01-01T00:00Z"), at("2026-01-31T00:00Z"))


def test_a_period_holds_its_start_and_not_its_end() -> None:
    assert SPAN.start in SPAN
    assert SPAN.end not in SPAN


def test_overlap_is_the_common_part() -> None:
    middle = at("2026-01-11T00:00Z")
    assert SPAN.overlap(middle, None) == Period(middle, SPAN.end)
    assert SPAN.overlap(at("2025-01-01T00:00Z"), middle) == Period(SPAN.start, middle)
    assert SPAN.overlap(SPAN.end, None) is None
    assert SPAN.overlap(middle, middle) is None


def test_a_share_is_exact() -> None:
    assert Period(SPAN.start, at("2026-01-11T00:00Z")).share_of(SPAN) == Fraction(1, 3)


def test_whole_seconds_cover_the_span_and_are_never_empty() -> None:
    odd = Period(at("2026-01-01T00:00:00.5Z"), at("2026-01-01T00:00:01.2Z"))
    assert odd.whole_seconds() == Period(at("2026-01-01T00:00:00Z"), at("2026-01-01T00:00:02Z"))
    instant = Period(SPAN.start, SPAN.start)
    assert instant.whole_seconds() == Period(SPAN.start, at("2026-01-01T00:00:01Z"))
