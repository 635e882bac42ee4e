"""Credits: they take something off, in the order they expire, and never more than is owed."""

import pytest

from domain.rating import Credit, Surroundings, rate
from tests.given import cycle_of
from tests.january import BOOK, FEBRUARY, JANUARY, OPENED, attached, day


def credit(identity: str, remaining: int, **more: object) -> Credit:
    return Credit(id=identity, remaining=remaining, reason="sorry", granted_at=JANUARY, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("credits", "used"),
    [
        pytest.param([], {}, id="3100 - 0"),
        pytest.param([credit("k1", 100)], {"k1": -100}, id="3100 - 100"),
        pytest.param([credit("k1", 5000)], {"k1": -3100}, id="3100 - 3100, 1900 left"),
        pytest.param(
            [credit("k1", 3000), credit("k2", 3000)],
            {"k1": -3000, "k2": -100},
            id="3100 - 3000 - 100",
        ),
        pytest.param([credit("k1", 100, expires_at=JANUARY)], {}, id="expired as it began"),
        pytest.param(
            [credit("k1", 100, expires_at=day(2))], {"k1": -100}, id="expires after it began"
        ),
        pytest.param(
            [credit("k1", 100, expires_at=FEBRUARY)], {"k1": -100}, id="expires at its end"
        ),
    ],
)
def test_credits_are_used_in_order(credits: list[Credit], used: dict[str, int]) -> None:
    invoice = rate(
        cycle_of(OPENED, attached()), {}, BOOK, {}, Surroundings(credits=credits)
    ).invoice
    found = {line.key: line.amount for line in invoice.lines if line.kind == "credit"}
    assert found == {f"credit/{key}": amount for key, amount in used.items()}
    assert invoice.subtotal == 3100 + sum(used.values()) >= 0


def test_nothing_owed_uses_nothing() -> None:
    around = Surroundings(credits=[credit("k1", 100)])
    assert rate(cycle_of(OPENED), {}, BOOK, {}, around).invoice.lines == ()
