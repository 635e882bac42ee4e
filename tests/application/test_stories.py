"""Whole months as support would read them: the history of each cycle, and its invoice."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from domain.identity import organization_stream
from projections.history import story
from tests.january import FEBRUARY, JANUARY, MARCH, day
from tests.world import ACTOR, World, without_chance, world

GRACE = timedelta(hours=12)


def a_swap_and_a_trial(made: World) -> None:
    """Two machines: one on trial until the eleventh, one that becomes seats in mid-month."""
    trial = made.attaching.attach
    trial("acme", "a1", "machine", Decimal(1), at=JANUARY, actor=ACTOR, trial_until=day(11))
    made.attach("a2", "machine", JANUARY)
    made.travel(day(16))
    made.record([made.usage("4", day(9), "a1"), made.usage("12", day(12), "a2")])
    made.attaching.swap("acme", "a2", "seat", Decimal(2), at=day(16), actor=ACTOR)
    made.travel(FEBRUARY)
    made.advance()
    made.travel(FEBRUARY + GRACE)
    made.advance()


def late_facts(made: World) -> None:
    """January is issued; then usage arrives, a seat turns out to have gone, a record was wrong."""
    made.attach("a1", "machine", JANUARY)
    made.attach("a2", "seat", JANUARY)
    made.travel(day(20))
    made.use("12", day(5))
    made.travel(FEBRUARY + GRACE)
    made.advance()
    made.travel(FEBRUARY + timedelta(days=3))
    made.use("7", day(30))
    made.detach("a2", day(26))
    made.correcting.retract("test", "r1", "the meter was broken", actor=ACTOR)
    made.travel(MARCH + GRACE)
    made.advance()


def void_and_reissue(made: World) -> None:
    """An invoice that somebody did not recognize is taken back, put right, and issued anew."""
    made.attach("a1", "machine", JANUARY)
    made.credit("sorry", 1000)
    made.travel(FEBRUARY + GRACE)
    made.advance()
    made.travel(FEBRUARY + timedelta(days=4))
    made.detach("a1", day(11))
    made.voiding.void("acme.2026-01-01", "reissue", "it had been cancelled", actor=ACTOR)
    made.later(minutes=5)
    made.advance()


def fees_in_advance(made: World) -> None:
    """Rent is billed before its month; then two more are rented, and one is given up."""
    made.price("rent", model="per_unit", unit_amount="2800", billing="in_advance")
    made.service("rent", "rent")
    made.attach("a1", "rent", day(18))
    made.travel(FEBRUARY + GRACE)
    made.advance()
    made.travel(FEBRUARY + timedelta(days=7))
    made.count("a1", "3", made.now)
    made.travel(MARCH + GRACE)
    made.advance()
    made.travel(MARCH + timedelta(days=10))
    made.count("a1", "2", made.now)


def closing_an_organization(made: World) -> None:
    """A customer leaves in mid-month and asks for the bill at once."""
    made.price("rent", model="flat", amount="2800", billing="in_advance")
    made.service("rent", "rent")
    made.attach("a1", "machine", JANUARY)
    made.attach("a2", "rent", JANUARY)
    made.travel(FEBRUARY + GRACE)
    made.advance()
    made.travel(FEBRUARY + timedelta(days=14))
    made.use("5", made.now)
    made.ending.close("acme", "moved to another vendor", at=made.now, actor=ACTOR)
    made.later(hours=12)
    made.advance()


@pytest.mark.parametrize(
    "happened",
    [
        a_swap_and_a_trial,
        late_facts,
        void_and_reissue,
        fees_in_advance,
        closing_an_organization,
    ],
)
def test_a_story(happened: Callable[[World], None], golden: Callable[[str, str], None]) -> None:
    made = world(datetime.fromisoformat("2026-01-01T00:00:00Z"))
    happened(made)
    title = happened.__name__
    told = [f"{title.replace('_', ' ').capitalize()}: {happened.__doc__}", "", *_told(made)]
    golden(f"{title}.txt", without_chance("\n".join(told) + "\n"))


def _told(made: World) -> Iterator[str]:
    yield "acme"
    for entry in story(made.store.read(organization_stream("acme"))):
        yield f"{entry.version:>3}  {entry.occurred_at:%Y-%m-%d %H:%M}  {entry.what}"
    for name in made.store.cycle_names("acme"):
        view = made.invoice(name)
        yield from ["", name]
        for entry in story(made.store.history(name)):
            yield f"{entry.version:>3}  {entry.occurred_at:%Y-%m-%d %H:%M}  {entry.what}"
        yield f"its invoice, {view.status}"
        for line in view.invoice.lines:
            yield f"  {line.amount:>6}  {line.key:<34}  {line.description}"
        yield f"  {view.total:>6}"
