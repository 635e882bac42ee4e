"""Levels reported late hold on into settled cycles, and go on to do so once they were billed."""

from datetime import datetime, timedelta

from tests.application.test_verification import broken
from tests.january import FEBRUARY, JANUARY, MARCH, day
from tests.world import ACTOR, World, world

FIRST, SECOND, THIRD = "acme.2026-01-01", "acme.2026-02-01", "acme.2026-03-01"
APRIL = MARCH + timedelta(days=31)
LEVEL, SEAT = "usage/b1/level@1", "fee/a2/seat@1"


def issue(made: World, *ends: datetime) -> None:
    """Go on to the end of periods, and have what is over issued."""
    for end in ends:
        made.travel(end + timedelta(hours=13))
        made.advance()


def hold(made: World, value: str, at: datetime) -> None:
    made.record([made.usage(value, at, "b1", meter="disk")])


def stored(level: str = "10", **policies: object) -> World:
    """So much from the 9th of January on, at 1 for each unit and day. January is issued."""
    made = world()
    gauge = {"aggregation": "time_weighted", "unit": "GB", "carry_over": True}
    made.publishing.define_meter("disk", gauge, actor=ACTOR, at=made.now)
    per_day = {"unit_conversion": {"divide_by": str(24 * 3600), "round": "none"}}
    made.price("level", meter="disk", model="per_unit", unit_amount="1", **per_day)
    made.service("store", "level")
    if policies:
        made.register(policies=policies)
    made.attach("b1", "store", JANUARY)
    made.travel(day(9))
    if level:
        hold(made, level, day(9))
    issue(made, FEBRUARY)
    return made


def late(cycle: str, line: str = LEVEL) -> str:
    return f"late/{cycle.split('.')[1]}/{line}"


def test_a_level_that_was_billed_late_is_not_given_back() -> None:
    """22 days at 50 instead of 10, and all of February. A seat known later changes nothing."""
    made = stored()
    issue(made, MARCH)
    assert (made.lines(FIRST), made.lines(SECOND)) == ({LEVEL: 230}, {LEVEL: 280})
    hold(made, "50", day(10))
    assert made.lines(THIRD) == {late(FIRST): 880, late(SECOND): 1120, LEVEL: 1550}
    issue(made, APRIL)
    made.attach("a2", "seat", day(32))
    owed = {late(SECOND, SEAT): 3100, late(THIRD, SEAT): 3100, SEAT: 3100, LEVEL: 1500}
    assert made.lines("acme.2026-04-01") == owed
    assert broken(made) == []


def test_a_level_where_nothing_was_left_before_holds_on_too() -> None:
    made = stored(level="")
    assert made.lines(SECOND) == {}
    hold(made, "4", day(31))
    assert made.lines(SECOND) == {late(FIRST): 4, LEVEL: 112}
    assert broken(made) == []


def test_a_level_of_an_invoice_that_is_forgiven_holds_on() -> None:
    """What January comes to now is written off; February held 50 for 28 days all the same."""
    made = stored()
    issue(made, MARCH)
    hold(made, "50", day(10))
    made.voiding.void(FIRST, "forgive", "a bad month", actor=ACTOR)
    assert made.lines(THIRD) == {late(SECOND): 1120, LEVEL: 1550}
    assert made.lines(THIRD, as_of=made.now) == made.lines(THIRD)
    assert broken(made) == []


def test_a_level_whose_late_amount_was_written_off_holds_on() -> None:
    made = stored()
    issue(made, MARCH)
    hold(made, "50", day(10))
    made.correcting.write_off_late(FIRST, LEVEL, "our mistake", actor=ACTOR)
    assert made.lines(THIRD) == {late(SECOND): 1120, LEVEL: 1550}
    assert broken(made) == []


def test_a_level_that_came_back_on_notes_is_not_billed_again() -> None:
    """5 instead of 10: 110 of January and 140 of February come back on notes."""
    policies = {"late_facts": "credit_note_or_charge", "collection": "send_invoice"}
    made = stored(**policies)
    issue(made, MARCH)
    hold(made, "5", day(10))
    assert made.advance().credited == [f"{FIRST}/late-1-1", f"{SECOND}/late-1-1"]
    assert made.advance().credited == []
    assert made.lines(THIRD) == {LEVEL: 155}
    assert broken(made) == []


def test_what_was_billed_ahead_stays_so_where_a_level_changes() -> None:
    """Issued anew, January billed February's rent ahead: 50 instead of 10 change nothing there."""
    made = stored()
    made.price("rent", model="flat", amount="2800", billing="in_advance")
    made.service("rent", "rent")
    issue(made, MARCH)
    made.attach("a2", "rent", day(31))
    made.voiding.void(FIRST, "reissue", "it was wrong", actor=ACTOR)
    made.advance()
    assert made.lines(FIRST)["coming/a2/rent@1"] == 2800
    hold(made, "50", day(10))
    found = made.lines(THIRD)
    assert {key: found[key] for key in found if key.startswith("late/")} == {
        late(FIRST): 880,
        late(SECOND): 1120,
    }
    assert broken(made) == []
