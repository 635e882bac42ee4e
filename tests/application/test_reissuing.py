"""Invoices issued anew: nothing that other invoices settled is billed or given back twice."""

from datetime import timedelta
from decimal import Decimal

import pytest

from domain.errors import RuleViolation
from tests.application.test_verification import broken
from tests.january import FEBRUARY, JANUARY, MARCH, day
from tests.world import ACTOR, World, world

FIRST, SECOND, THIRD = "acme.2026-01-01", "acme.2026-02-01", "acme.2026-03-01"
FEE = "fee/a1/base@1"
LATE = f"late/2026-01-01/{FEE}"
GRACE = timedelta(hours=13)


def issue(made: World, *ends: object) -> None:
    """Go on to the end of periods, and have what is over issued."""
    for end in ends:
        assert isinstance(end, type(FEBRUARY))
        made.travel(end + GRACE)
        made.advance()


def reissue(made: World, cycle: str) -> None:
    made.voiding.void(cycle, "reissue", "it was wrong", actor=ACTOR)
    made.advance()


def small() -> World:
    """January comes to 30, too little to be collected: February takes it over."""
    made = world()
    made.item("i1", 30, day(1))
    issue(made, FEBRUARY)
    made.item("i2", 500, made.now)
    return made


def test_a_small_amount_that_another_invoice_took_over_is_not_billed_again() -> None:
    made = small()
    issue(made, MARCH)
    assert made.lines(SECOND) == {"carry/in": 30, "item/i2": 500}
    reissue(made, FIRST)
    assert made.lines() == {"item/i1": 30, "carry/out": -30}
    assert made.lines(THIRD) == {}


def test_what_another_invoice_took_off_is_not_given_back_again() -> None:
    """February gave 2700 back, 2600 of it in March. April gets the 100 that is left, once."""
    made = world()
    made.price("rent", model="flat", amount="2800", billing="in_advance")
    made.service("rent", "rent")
    made.attach("a1", "rent", JANUARY)
    issue(made, FEBRUARY)
    made.travel(day(33))
    made.detach("a1", day(33))
    issue(made, MARCH)
    made.travel(day(65))
    made.attach("a2", "machine", day(65))
    issue(made, MARCH + timedelta(days=31))
    reissue(made, SECOND)
    assert made.lines(SECOND) == {"unused/a1/rent@1": -2700, "carry/out": 2700}
    assert made.lines("acme.2026-04-01") == {"carry/in": -100, "fee/a2/base@1": 3100}
    assert made.store.organization("acme").credits == {}


def test_an_invoice_that_was_carried_is_forgiven_where_it_went() -> None:
    made = small()
    with pytest.raises(RuleViolation) as refused:
        made.voiding.void(FIRST, "forgive", "a bad month", actor=ACTOR)
    assert refused.value.code == "carried_over"
    assert made.lines(SECOND) == {"carry/in": 30, "item/i2": 500}


def test_late_amounts_that_a_later_invoice_billed_come_back_after_a_reissue() -> None:
    """January's 3100 was put right in February, by -1600 that March gets. Issued anew at 1500,
    January needs that no more."""
    made = world()
    made.attach("a1", "machine", JANUARY)
    issue(made, FEBRUARY)
    made.detach("a1", day(16))
    issue(made, MARCH)
    assert made.lines(SECOND) == {LATE: -1600, "carry/out": 1600}
    reissue(made, FIRST)
    assert made.lines() == {FEE: 1500}
    assert made.lines(THIRD) == {"carry/in": -1600, LATE: 1600}
    issue(made, MARCH + timedelta(days=31))
    assert made.lines("acme.2026-04-01") == {}


def test_a_note_goes_with_the_invoice_it_was_on() -> None:
    """3100, a note over 1600, and 1500 anew; five days less are another 500."""
    made = world()
    made.register(policies={"late_facts": "credit_note_or_charge", "collection": "send_invoice"})
    made.attach("a1", "machine", JANUARY)
    issue(made, FEBRUARY)
    made.detach("a1", day(16))
    assert made.advance().credited == [f"{FIRST}/late-1-1"]
    reissue(made, FIRST)
    assert made.lines() == {FEE: 1500}
    made.detach("a1", day(11))
    assert made.advance().credited == [f"{FIRST}/late-2-1"]
    notes = made.store.cycle(FIRST).notes
    assert {note: dict(each.lines) for note, each in notes.items()} == {"late-2-1": {FEE: 500}}
    assert made.lines(SECOND) == {}


def test_what_the_next_revision_bills_ahead_is_not_owed_late_as_well() -> None:
    """On from the 8th, known in February, its trial over on the 12th: until January is issued
    anew, the 20 days from there are owed late. From then on January's invoice bills them ahead."""
    made = world()
    made.price("rent", model="flat", amount="3100", billing="in_advance", proration="day")
    made.service("rent", "rent")
    made.attach("a1", "machine", JANUARY)
    made.travel(day(9))
    made.ending.bill_now("acme", "they asked", at=made.now, actor=ACTOR)
    issue(made, FEBRUARY)
    made.attaching.attach(
        "acme", "b2", "rent", Decimal(1), at=day(8), trial_until=day(12), actor=ACTOR
    )
    rest, ahead, late = "acme.2026-01-09", "coming/b2/rent@1", "late/2026-01-09/fee/b2/rent@1"
    assert made.lines(SECOND)[late] == 2000
    made.voiding.void(FIRST, "reissue", "it was wrong", actor=ACTOR)
    assert made.lines(FIRST)[ahead] == 2000
    assert late not in made.lines(SECOND)
    made.advance()
    assert made.lines(FIRST) == {"fee/a1/base@1": 800, ahead: 2000}
    assert made.lines(rest) == {"fee/a1/base@1": 2300}
    assert late not in made.lines(SECOND)


def rent_from_the_31st() -> World:
    """Known in March only. January issued anew bills one day of it, and February ahead."""
    made = world()
    made.price("rent", model="flat", amount="2800", billing="in_advance")
    made.service("rent", "rent")
    made.attach("a1", "machine", JANUARY)
    issue(made, FEBRUARY, MARCH)
    made.attach("a2", "rent", day(31))
    reissue(made, FIRST)
    assert made.lines(FIRST) == {FEE: 3100, "fee/a2/rent@1": 90, "coming/a2/rent@1": 2800}
    return made


def test_what_a_revision_billed_ahead_counts_no_more_once_that_is_void_too() -> None:
    """There was no rent after all: the third revision has none, and nothing comes back of it."""
    made = rent_from_the_31st()
    made.detach("a2", day(31))
    unused = "late/2026-02-01/unused/a2/rent@1"
    assert made.lines(THIRD) == {"late/2026-01-01/fee/a2/rent@1": -90, unused: -2800, FEE: 3100}
    reissue(made, FIRST)
    assert made.lines(FIRST) == {FEE: 3100}
    assert made.lines(THIRD) == {FEE: 3100}
    assert broken(made) == []


def test_late_amounts_of_the_void_revision_come_back_in_every_view() -> None:
    """February billed 500 late of January, which has them itself in its second revision."""
    made = world()
    made.attach("a1", "machine", JANUARY)
    made.travel(day(31))
    issue(made, FEBRUARY)
    made.use("100", day(31))
    assert made.lines(SECOND)["late/2026-01-01/usage/a1/cpu@1"] == 320
    issue(made, MARCH)
    reissue(made, FIRST)
    back = {"late/2026-01-01/usage/a1/cpu@1": -320, FEE: 3100}
    assert made.lines(THIRD) == back
    assert made.lines(THIRD, as_of=made.now) == back
