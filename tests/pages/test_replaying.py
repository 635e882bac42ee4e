"""Where the slider stands, and what an invoice's lines were then and are now."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from api.pages.support.replaying import compared, moment, told_at
from application.views import HistoryEntry
from domain.errors import InvalidInput
from domain.invoice import Invoice, LineItem
from domain.period import Period

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def _entry(position: int, happened: int, recorded: int) -> HistoryEntry:
    return HistoryEntry(
        version=position,
        position=position,
        occurred_at=START + happened * HOUR,
        recorded_at=START + recorded * HOUR,
        actor="test",
        what=str(position),
    )


STORY = [_entry(1, 0, 0), _entry(2, 5, 2), _entry(3, 1, 4), _entry(4, 1, 4)]


@pytest.mark.parametrize(
    ("asked", "step", "known", "happened"),
    [
        pytest.param({}, 3, None, None, id="now"),
        pytest.param({"step": "3"}, 3, None, None, id="the right end is now"),
        pytest.param({"step": "99"}, 3, None, None, id="further right there is nothing"),
        pytest.param({"step": "\u00b2"}, 3, None, None, id="no number"),
        pytest.param({"step": "1"}, 1, 2, None, id="what was known"),
        pytest.param({"step": "2"}, 2, 4, None, id="two events at one instant are one step"),
        pytest.param({"clock": "happened", "step": "1"}, 1, None, 1, id="what had happened"),
        pytest.param({"clock": "happened", "step": "2"}, 2, None, 5, id="in another order"),
        pytest.param({"known_at": "2026-01-01T03:00:00Z"}, 1, 3, None, id="between two"),
        pytest.param({"as_of": "2025-12-31T00:00:00Z"}, 0, None, -24, id="before all"),
    ],
)
def test_where_it_stands(
    asked: dict[str, str], step: int, known: int | None, happened: int | None
) -> None:
    found = moment(asked, STORY, "UTC")

    assert found.step == step
    assert found.known_at == (None if known is None else START + known * HOUR)
    assert found.as_of == (None if happened is None else START + happened * HOUR)
    assert found.is_now == (known is None and happened is None)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, []),
        ({"step": "2"}, ["3", "4"]),
        ({"clock": "happened", "step": "2"}, ["2"]),
        ({"known_at": "2026-01-01T03:00:00Z"}, []),
    ],
)
def test_what_was_told_at_that_instant(asked: dict[str, str], told: list[str]) -> None:
    assert told_at(STORY, moment(asked, STORY, "UTC")) == told


def test_both_clocks_at_once_are_taken() -> None:
    asked = {"known_at": "2026-01-01T04:00:00Z", "as_of": "2026-01-01T01:00:00Z"}

    found = moment(asked, STORY, "UTC")

    assert (found.clock, found.known_at, found.as_of) == ("known", START + 4 * HOUR, START + HOUR)


def test_an_instant_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(InvalidInput, match="write it as"):
        moment({"known_at": "noon"}, STORY, "UTC")


def test_lines_are_marked_against_now() -> None:
    then = _invoice(kept=100, grown=200, gone=300)
    now = _invoice(kept=100, grown=250, new=50)

    found = {each.line.key: (each.since, each.difference) for each in compared(then, now)}

    assert found == {
        "kept": ("same", 0),
        "grown": ("changed", 50),
        "gone": ("gone", -300),
        "new": ("added", 50),
    }
    assert sum(difference for _, difference in found.values()) == now.subtotal - then.subtotal


def test_before_there_was_an_invoice_every_line_is_added() -> None:
    assert [each.since for each in compared(None, _invoice(a=1))] == ["added"]


def _invoice(**amounts: int) -> Invoice:
    period = Period(START, START + 24 * HOUR)
    lines = tuple(
        LineItem(
            key=key,
            kind="item",
            description=key,
            quantity=Fraction(1),
            unit=None,
            amount=amount,
            unrounded=Fraction(amount),
            period=period,
        )
        for key, amount in sorted(amounts.items())
    )
    return Invoice(
        cycle="a.2026-01-01",
        organization="a",
        currency="usd",
        period=period,
        revision=1,
        lines=lines,
    )
