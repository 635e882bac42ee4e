"""A move from another biller, rehearsed: 100 customers, three months, and what is wrong is found.

The months are the two that are over, and the one that runs, which nobody billed yet.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from adapters.sandbox.app import create_sandbox
from adapters.sandbox.ledger import Ledger
from application.shadowing.comparing import Window, counted
from domain.period import Period
from tests.api.shadowed import ACTOR, LAST, OLDER, RUNNING, Shadowed, cycle, shadowed
from tests.biller import line, priced

CUSTOMERS = 100
SEED = 20260101
WRONG = {17: "they counted more", 23: "dearer", 29: "forgotten", 31: "a line more"}
"""Each so manyth customer's last month is billed in this way, instead of rightly."""
CAUSES: Mapping[str | None, set[str]] = {
    None: set(),
    "they counted more": {"missing_usage"},
    "dearer": {"price"},
    "forgotten": {"not_billed"},
    "a line more": {"not_in_books"},
}


@pytest.fixture
def made(database_url: str, tmp_path: Path) -> Iterator[Shadowed]:
    prices = tmp_path / "prices.csv"
    prices.write_text("theirs,ours\nMachine,base\ncompute,cpu\n", "utf-8")
    app = create_sandbox(Ledger())
    with shadowed(database_url, app, SHADOW_PRICES=str(prices)) as found:
        found.offer()
        yield found


def wrong(number: int, period: Period) -> str | None:
    """How a customer's month is billed wrongly, if it is."""
    if period != LAST or not number:
        return None
    return next((kind for each, kind in WRONG.items() if number % each == 0), None)


def rows(price: str, hours: Decimal, period: Period, kind: str | None) -> list[dict[str, Any]]:
    """What the other biller puts on a month's invoice."""
    span = (period.start, period.end)
    more = Decimal(40) if kind == "they counted more" else Decimal(0)
    fee = 5000 if kind == "dearer" else 4900
    usual = [line("Machine", fee, *span), priced(price, str(hours + more), *span)]
    return [*usual, line("Support", 9900, *span)] if kind == "a line more" else usual


def test_every_month_is_equal_but_those_that_were_billed_wrongly(made: Shadowed) -> None:
    chance = Random(SEED)
    price = made.biller.price("compute", "2.5")
    names = [f"customer-{number:03}" for number in range(CUSTOMERS)]
    customers = {name: made.biller.customer(name.replace("-", " ")) for name in names}
    brought = made.bring_customers()
    assert (brought.expected, brought.done, brought.bad) == (CUSTOMERS, CUSTOMERS, [])
    for number, name in enumerate(names):
        made.attach(name)
        for period in (OLDER, LAST, RUNNING):
            hours = Decimal(chance.randrange(1, 40_000)) / 10
            made.use(name, str(hours), period.start)
            kind = wrong(number, period)
            if period != RUNNING and kind != "forgotten":
                billed = rows(price, hours, period, kind)
                made.biller.pay(made.biller.bill(customers[name], *billed))
    made.writes()

    history = made.bring_invoices()
    forgotten = [n for n in range(CUSTOMERS) if wrong(n, LAST) == "forgotten"]
    expected = 2 * CUSTOMERS - len(forgotten)
    assert (history.expected, history.done, history.bad) == (expected, expected, [])

    window = Window(start=OLDER.start, end=LAST.end)
    found = {each.cycle: each for each in made.wired.shadowing.comparing.every(window)}
    assert len(found) == 2 * CUSTOMERS
    for number, name in enumerate(names):
        assert found[cycle(name, OLDER)].verdict == "equal", found[cycle(name, OLDER)]
        told, kind = found[cycle(name, LAST)], wrong(number, LAST)
        verdict = {None: "equal", "forgotten": "missing"}.get(kind, "different")
        causes = {each.cause for each in told.lines if each.difference}
        assert (told.verdict, causes) == (verdict, CAUSES[kind]), told
    counts = counted(found.values())
    assert counts.equal == 2 * CUSTOMERS - sum(1 for n in range(CUSTOMERS) if wrong(n, LAST))
    assert made.writes() == []


def test_after_it_every_month_is_issued_in_our_books_alone(made: Shadowed) -> None:
    names = [f"customer-{number}" for number in range(5)]
    for name in names:
        made.biller.customer(name)
    made.bring_customers()
    for name in names:
        made.attach(name)
    made.writes()
    failed: list[str] = []
    done = made.wired.closing.advance_due(
        datetime.now(UTC), ACTOR, lambda name, error: failed.append(name)
    )
    assert failed == [] and set(done) == set(names)
    assert all(cycle(name, OLDER) in each.issued for name, each in done.items())
    assert made.writes() == []
