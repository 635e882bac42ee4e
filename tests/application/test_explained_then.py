"""Lines explained as they were: by what was known, and by what had happened."""

from collections.abc import Callable
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from domain.errors import InvalidInput, NotFound
from tests.january import FEBRUARY, JANUARY, MARCH, day
from tests.world import ACTOR, World, world

FIRST, SECOND = "acme.2026-01-01", "acme.2026-02-01"
CPU = "usage/a1/cpu@1"
GRACE = timedelta(hours=12)


@pytest.fixture
def made() -> World:
    """8 hours on the fifth; on the ninth 4 of the seventh; on the twelfth the first is wrong."""
    found = world()
    found.attach("a1", "machine", JANUARY)
    found.travel(day(5, 1))
    found.use("8", day(5))
    found.travel(day(9))
    found.use("4", day(7))
    found.travel(day(12))
    found.correcting.retract("test", "r1", "the meter was broken", actor=ACTOR)
    found.travel(day(15))
    return found


@pytest.mark.parametrize(
    ("asked", "records"),
    [
        pytest.param({"known_at": day(6)}, ["r1"], id="the second was not reported yet"),
        pytest.param({"known_at": day(10)}, ["r1", "r2"], id="both were, and right so far"),
        pytest.param({"known_at": day(13)}, ["r2"], id="the first is known to be wrong"),
        pytest.param({"as_of": day(6)}, [], id="all is known, the second had not happened"),
        pytest.param({"as_of": day(8)}, ["r2"], id="all is known, the second had happened"),
        pytest.param(
            {"as_of": day(6), "known_at": day(10)}, ["r1"], id="known then, of what had happened"
        ),
        pytest.param({}, ["r2"], id="as it is now"),
    ],
)
def test_behind_a_line_is_what_was_behind_it_then(
    made: World, asked: dict[str, Any], records: list[str]
) -> None:
    if not records:
        with pytest.raises(NotFound):
            made.invoices.explain(FIRST, CPU, **asked)
        return
    found = made.invoices.explain(FIRST, CPU, **asked)
    (line,) = [each for each in made.invoices.get(FIRST, **asked).invoice.lines if each.key == CPU]
    assert found.line == line
    assert [each.id for each in found.usage] == records
    assert found.records == len(records)


def test_at_every_instant_the_records_come_to_the_quantity(made: World) -> None:
    instants = {at for each in made.invoices.history(FIRST) for at in _both(each)}
    for asked in [{name: at} for at in sorted(instants) for name in ("as_of", "known_at")]:
        try:
            lines = made.invoices.get(FIRST, **asked).invoice.lines
        except NotFound:
            continue
        for line in lines:
            why = made.invoices.explain(FIRST, line.key, **asked)
            assert why.line == line
            if line.kind == "usage":
                assert sum(Fraction(each.value) for each in why.usage) == line.quantity


def _both(entry: Any) -> tuple[datetime, datetime]:
    return entry.occurred_at, entry.recorded_at


def test_a_late_line_is_explained_by_what_was_known_late_by_then(made: World) -> None:
    made.travel(FEBRUARY + GRACE)
    made.advance()
    made.use("7", day(30))
    made.travel(FEBRUARY + timedelta(days=3))
    made.use("5", day(31))
    made.travel(MARCH)
    (late,) = [line.key for line in made.invoices.get(SECOND).invoice.lines if line.kind == "late"]
    then = FEBRUARY + timedelta(days=2)
    assert [e.id for e in made.invoices.explain(SECOND, late).usage] == ["r2", "r3", "r4"]
    found = made.invoices.explain(SECOND, late, known_at=then)
    assert [each.id for each in found.usage] == ["r2", "r3"]


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        pytest.param(lambda now: {"known_at": now + timedelta(days=1)}, InvalidInput, id="ahead"),
        pytest.param(lambda _: {"known_at": JANUARY - timedelta(days=9)}, NotFound, id="before"),
    ],
)
def test_when_nobody_can_know_it_says_so(
    made: World, asked: Callable[[datetime], dict[str, Any]], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        made.invoices.explain(FIRST, CPU, **asked(made.now))
