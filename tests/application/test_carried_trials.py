"""Trials that reach into the next cycle: what is owed for it, by the books and counted plainly."""

from datetime import datetime
from decimal import Decimal

from tests.application.test_verification import broken
from tests.january import JANUARY, day
from tests.world import ACTOR, World, world

SECOND = "acme.2026-02-01"


def tried(made: World, service: str, at: datetime, until: datetime) -> None:
    made.attaching.attach("acme", "a2", service, Decimal(1), at=at, trial_until=until, actor=ACTOR)


def test_a_trial_that_was_ended_stays_so_whatever_becomes_known_of_the_cycle_before() -> None:
    """10 of February's 28 days were free, of 14 that January left: 3100 × 18 ÷ 28."""
    made = world()
    made.attach("a1", "machine", JANUARY)
    tried(made, "seat", JANUARY, day(46))
    made.travel(day(44))
    made.advance()
    made.attaching.end_trial("acme", "a2", at=day(42), actor=ACTOR)
    assert made.lines(SECOND)["fee/a2/seat@1"] == 1993
    made.count("a2", "2", day(20))
    assert made.lines(SECOND)["fee/a2/seat@1"] == 3986
    assert broken(made) == []


def test_by_calendar_days_the_day_a_trial_would_have_ended_on_counts_once() -> None:
    """20 days are billed ahead, from the 12th at five on. Ended on the 9th, three more are owed."""
    made = world()
    made.price("rent", model="flat", amount="3100", billing="in_advance", proration="day")
    made.service("rent", "rent")
    made.travel(day(9))
    tried(made, "rent", day(9), day(12, 5))
    made.ending.bill_now("acme", "they asked", at=made.now, actor=ACTOR)
    made.attaching.end_trial("acme", "a2", at=day(9), actor=ACTOR)
    assert made.lines() == {"coming/a2/rent@1": 2000}
    assert made.lines("acme.2026-01-09") == {"coming/a2/rent@1": 3100, "fee/a2/rent@1": 300}
    assert broken(made) == []
