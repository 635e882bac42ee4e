"""Unusual invoices: flagged or held for a person, once, and told in words."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from application.closing import Closing
from application.issuing import Issuing
from application.unusual import AnomalyCheck
from tests.insight_memory import MemoryPastInvoices
from tests.january import JANUARY
from tests.world import ACTOR, World, world

CPU = "usage/a1/cpu@1"
GRACE = timedelta(hours=12)


def month(number: int) -> datetime:
    """The first instant of a month of 2026."""
    return datetime(2026, number, 1, tzinfo=UTC)


def months(*hours: str, **policies: Any) -> World:
    """Each month of a machine with so many hours of cpu, closed and issued where it can be."""
    made = world()
    made.register(policies=policies)
    made.attach("a1", "machine", JANUARY)
    past = MemoryPastInvoices(made.store)
    issuing = Issuing(made.store, made.conflicts, made.stripe)
    made.closing = Closing(made.store, made.store, issuing, made.crediting, AnomalyCheck(past))
    for number, each in enumerate(hours, start=1):
        at = month(number) + timedelta(days=10)
        made.travel(at)
        if each != "0":
            made.use(each, at)
        made.travel(month(number + 1))
        made.advance()
        made.travel(month(number + 1) + GRACE)
        made.advance()
    return made


def last(made: World) -> str:
    return f"acme.2026-{made.now.month - 1:02}-01"


USUAL = ("1000", "1100", "1050")
"""Hours that come to 3020, 3320 and 3170."""


def test_a_line_far_from_the_months_before_is_flagged_and_goes_on() -> None:
    made = months(*USUAL, "9000")
    view = made.invoice(last(made))
    assert [(each.key, each.amount, each.low, each.high) for each in view.unusual] == [
        (CPU, 27_020, 3020, 3320)
    ]
    assert "270.20 USD; on the 3 invoices before it was between 30.20 USD and 33.20 USD" in (
        view.unusual[0].words
    )
    assert (view.status, view.held) == ("issued", None)
    story = [each.what for each in made.invoices.history(last(made))]
    assert any(each.startswith("Unusual: Machine (a1)") for each in story)


def test_a_policy_has_a_person_look_first() -> None:
    made = months(*USUAL, "9000", anomaly="hold")
    view = made.invoice(last(made))
    assert view.status == "closed"
    assert view.hold is not None
    assert view.hold.kind == "anomaly"
    assert view.held is not None
    assert view.held.startswith("Unusual: Machine (a1)")
    made.advance()
    assert made.names(last(made)).count("UnusualLinesFound") == 1


def test_a_released_invoice_is_not_held_again() -> None:
    made = months(*USUAL, "9000", anomaly="hold")
    made.holding.release(last(made), "a campaign", actor=ACTOR, at=made.now)
    made.advance()
    assert made.invoice(last(made)).status == "issued"
    assert made.names(last(made)).count("CycleHeld") == 1


def test_one_that_changed_much_after_its_release_is_held_anew() -> None:
    made = months(*USUAL, "9000", anomaly="hold")
    cycle = last(made)
    made.holding.release(cycle, "a campaign", actor=ACTOR, at=made.now)
    found = made.store.cycle(cycle)
    assert found.unusual is not None
    much = [each._replace(amount=each.amount * 2) for each in found.unusual.lines]
    little = [each._replace(amount=each.amount + 100) for each in found.unusual.lines]
    assert found.find_unusual(little, made.now) == []
    assert len(found.find_unusual(much, made.now)) == 1


@pytest.mark.parametrize(
    ("hours", "policies"),
    [
        pytest.param(("1000", "1100", "9000"), {}, id="two months to compare with"),
        pytest.param((*USUAL, "1300"), {}, id="a fifth more"),
        pytest.param(("1", "1", "1", "100"), {}, id="small amounts"),
        pytest.param((*USUAL, "9000"), {"anomaly": "off"}, id="switched off"),
        pytest.param((*USUAL, "4000"), {"anomaly_factor": 100}, id="a patient policy"),
        pytest.param(("100", "9000", "1000", "5000"), {}, id="a line that always varies"),
    ],
)
def test_nothing_is_unusual(hours: tuple[str, ...], policies: dict[str, Any]) -> None:
    made = months(*hours, **policies)
    view = made.invoice(last(made))
    assert (view.unusual, view.status) == ((), "issued")


def test_usage_that_stopped_is_unusual_while_the_service_runs() -> None:
    made = months(*USUAL, "0")
    assert [each.amount for each in made.invoice(last(made)).unusual] == [0]


def test_usage_that_stopped_with_its_service_is_not() -> None:
    made = months(*USUAL)
    made.detach("a1", made.now)
    made.travel(month(5) + GRACE)
    made.advance()
    assert made.invoice("acme.2026-04-01").unusual == ()
