"""Organizations with a month that runs or is issued."""

from datetime import timedelta
from typing import Any

from application.adjusting import NewDiscount
from tests.january import FEBRUARY, JANUARY
from tests.world import ACTOR, World, world

FIRST, SECOND, THIRD = "acme.2026-01-01", "acme.2026-02-01", "acme.2026-03-01"
FEE, CPU = "fee/a1/base@1", "usage/a1/cpu@1"
GRACE_OVER = FEBRUARY + timedelta(hours=12)


def running(**policies: object) -> World:
    made = world()
    if policies:
        made.register(policies=policies)
    made.attach("a1", "machine", JANUARY)
    return made


def issued(**policies: object) -> World:
    made = running(**policies)
    made.travel(GRACE_OVER)
    assert made.advance().issued == [FIRST]
    return made


def waiting(made: World) -> list[str]:
    return [each.code for each in made.advance().waiting]


# Discounts across cycles


def discount(made: World, **terms: Any) -> None:
    new = NewDiscount(discount="d1", reason="new", **terms)
    made.adjusting.grant_discount("acme", new, at=made.now, actor=ACTOR)
