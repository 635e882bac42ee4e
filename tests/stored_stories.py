"""What happens in a store before it is verified: January issued, something waiting everywhere."""

from datetime import timedelta

from application.adjusting import NewDiscount
from tests.january import FEBRUARY, MARCH, day
from tests.stored_world import StoredWorld
from tests.world import ACTOR

FIRST, SECOND = "acme.2026-01-01", "acme.2026-02-01"
NAMELESS = "nobody"


def much_happened(stored: StoredWorld) -> None:
    """January is issued, with late facts; February accrues; something waits everywhere."""
    made = stored.made
    made.attach("a1", "machine", day(1))
    made.attach("a2", "seat", day(3), "2")
    made.travel(day(20))
    for number in range(1, 7):
        made.use(str(number), day(4 + number), properties={"region": "fra"})
    made.use("5", day(6), "")
    made.record([made.usage("1", day(7), organization=NAMELESS) for _ in range(3)])
    made.item("set-up", 4900, day(20))
    made.credit("sorry", 1000)
    discount = NewDiscount(discount="d1", reason="loyal", amount=300)
    made.adjusting.grant_discount("acme", discount, at=made.now, actor=ACTOR)
    made.correcting.retract("test", "r2", "sent twice", actor=ACTOR)
    made.travel(FEBRUARY + timedelta(hours=12))
    made.advance()
    made.travel(FEBRUARY + timedelta(days=3))
    made.use("7", day(30))
    made.count("a2", "1", day(28))
    made.correcting.retract("test", "r5", "the meter was broken", actor=ACTOR)
    for number in range(6):
        made.use("0.5", FEBRUARY + timedelta(days=1, hours=number))
    stored.settle_down()


def february_is_issued(stored: StoredWorld) -> None:
    """The same, and the late facts are billed."""
    much_happened(stored)
    stored.made.travel(MARCH + timedelta(hours=12))
    stored.made.advance()
    stored.settle_down()
