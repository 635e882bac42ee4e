"""A story calls meters and quantities as their lines do, and says which meters it means."""

from typing import Any

import pytest

from domain.events.late import UsageCorrected, UsageRetracted
from domain.events.usage import HeaderTally, PackedRecord, UsageRecorded, micros
from projections.history import HistoryEntry, story
from projections.meter_words import MeterWords
from tests.january import attached, day, opened
from tests.projections.test_customer_story import recorded

WORDS = MeterWords(names={"cpu": "CPU hours"}, units={"cpu": "hour", "team_users": "user"})
AT = micros(day(5, 10))
RECORD = PackedRecord("fra-7", "r-17", "cpu", "a1", "3600.5", AT, {"region": "fra"})
WHO = RECORD._replace(meter="team_users", value="alice@1e5")


def used(meter: str, quantity: str) -> UsageRecorded:
    tally = HeaderTally(meter, "a1", {}, 1, quantity, AT, AT)
    return UsageRecorded(lo=AT, hi=AT, tallies=(tally,), records=(RECORD._replace(meter=meter),))


def wrong(record: PackedRecord) -> UsageRetracted:
    return UsageRetracted(
        at=day(5, 10), source=record.source, id=record.id, record=record, reason="twice"
    )


def told(event: Any, words: MeterWords | None = WORDS) -> HistoryEntry:
    return list(story(recorded(opened(), attached("a1"), event), words))[-1]


@pytest.mark.parametrize(
    ("event", "what", "meters"),
    [
        pytest.param(
            used("cpu", "3600.5"),
            "1 usage record: CPU hours, 3,600.5 hours (a1)",
            ("cpu",),
            id="called as the line is",
        ),
        pytest.param(
            used("team_users", "1"),
            "1 usage record: Team users, 1 user (a1)",
            ("team_users",),
            id="on no line: its id, spoken",
        ),
        pytest.param(
            used("tape", "2"), "1 usage record: Tape, 2 (a1)", ("tape",), id="no unit is known"
        ),
        pytest.param(
            wrong(RECORD),
            "Usage record r-17 of fra-7 retracted: twice "
            "(CPU hours, 3,600.5 hours of a1 at 2026-01-05 10:00 UTC)",
            ("cpu",),
            id="a record that was wrong",
        ),
        pytest.param(
            wrong(WHO),
            "Usage record r-17 of fra-7 retracted: twice "
            "(Team users, alice@1e5 of a1 at 2026-01-05 10:00 UTC)",
            ("team_users",),
            id="a value that is no number",
        ),
        pytest.param(
            UsageCorrected(
                at=day(5, 10),
                source="fra-7",
                id="r-17",
                record=RECORD,
                becomes=RECORD._replace(value="1"),
                reason="",
            ),
            "Usage record r-17 of fra-7 corrected (CPU hours, 3,600.5 hours of a1 at 2026-01-05 "
            "10:00 UTC becomes CPU hours, 1 hour of a1 at 2026-01-05 10:00 UTC)",
            ("cpu",),
            id="a correction",
        ),
    ],
)
def test_usage_is_told_by_name(event: Any, what: str, meters: tuple[str, ...]) -> None:
    entry = told(event)
    assert (entry.what, entry.meters) == (what, meters)


def test_without_names_it_is_told_by_ids() -> None:
    entry = told(used("cpu", "3600.5"), None)
    assert (entry.what, entry.meters) == ("1 usage record: 3600.5 cpu (a1)", ())
