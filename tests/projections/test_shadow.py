"""Our invoice beside another program's: what is equal to the cent, and why the rest is not."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from domain.invoice import Invoice, LineItem
from domain.period import Period
from projections.imported_invoice import ImportedInvoice, ImportedLine, period_of
from projections.shadow import Terms, covering, shadow

JANUARY = Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
FEBRUARY = Period(JANUARY.end, datetime(2026, 3, 1, tzinfo=UTC))


def ours(description: str, amount: int, **more: Any) -> LineItem:
    fields: dict[str, Any] = {
        "key": f"item/{description}",
        "kind": "fee",
        "description": description,
        "quantity": Fraction(1),
        "unit": None,
        "amount": amount,
        "unrounded": Fraction(amount),
        "period": JANUARY,
    }
    return LineItem(**(fields | more))


def cpu(amount: int, quantity: int) -> LineItem:
    return ours("CPU", amount, kind="usage", price="cpu@2", quantity=Fraction(quantity))


def billed(description: str, amount: int, **more: Any) -> ImportedLine:
    fields: dict[str, Any] = {"id": f"il_{description}", "period": JANUARY}
    return ImportedLine(description=description, amount=amount, **(fields | more))


def tier(name: str, amount: int, quantity: str) -> ImportedLine:
    return billed(name, amount, price="price_1", quantity=Decimal(quantity))


def invoice(*lines: LineItem) -> Invoice:
    return Invoice(
        cycle="acme.2026-01-01",
        organization="acme",
        currency="usd",
        period=JANUARY,
        revision=1,
        lines=lines,
    )


def issued(*lines: ImportedLine, **more: Any) -> ImportedInvoice:
    subtotal = sum(line.amount for line in lines)
    discount, tax = more.pop("discount", 0), more.pop("tax", 0)
    fields: dict[str, Any] = {
        "id": "in_1",
        "customer": "cus_1",
        "number": "A-1",
        "status": "paid",
        "currency": "usd",
        "period": JANUARY,
        "issued_at": JANUARY.end,
        "subtotal": subtotal,
        "discount": discount,
        "tax": tax,
        "total": subtotal - discount + tax,
        "amount_paid": 0,
        "lines": lines,
    }
    return ImportedInvoice(**(fields | more))


HALF = (1, 2)
PRICES = {"price_1": "cpu", "prod_1": "cpu", "Compute": "cpu"}


@pytest.mark.parametrize(
    ("mine", "theirs", "verdict", "differing"),
    [
        pytest.param([ours("Fee", 49)], [billed("Fee", 49)], "equal", [], id="the same line"),
        pytest.param([ours("Fee", 49)], [billed(" fee ", 49)], "equal", [], id="words, loosely"),
        pytest.param([ours("Fee", 49)], [billed("Plan", 49)], "equal", [], id="by its amount"),
        pytest.param(
            [cpu(1300, 130)],
            [tier("first", 1000, "100"), tier("then", 300, "30")],
            "equal",
            [],
            id="a line for each tier: 1000 + 300",
        ),
        pytest.param(
            [cpu(700, 70)],
            [billed("x", 500, product="prod_1"), billed("Compute", 200)],
            "equal",
            [],
            id="by product and by description: 500 + 200",
        ),
        pytest.param(
            [ours("Fee", 49)], [billed("Fee", 59)], "different", [("Fee", "price", 10)], id="dearer"
        ),
        pytest.param(
            [cpu(1300, 130)],
            [tier("first", 1000, "100"), tier("then", 302, "30")],
            "different",
            [("cpu", "rounding", 2)],
            id="two lines, rounded once each: 2",
        ),
        pytest.param(
            [cpu(1000, 100)],
            [tier("all", 1300, "130")],
            "different",
            [("cpu", "missing_usage", 300)],
            id="30 of 130 never reached us",
        ),
        pytest.param(
            [cpu(1300, 130)],
            [tier("all", 1000, "100")],
            "different",
            [("cpu", "more_usage", -300)],
            id="we counted 30 more",
        ),
        pytest.param(
            [cpu(1000, 100)],
            [tier("all", 1300, "100")],
            "different",
            [("cpu", "price", 300)],
            id="the same 100 at another price",
        ),
        pytest.param(
            [ours("Fee", 50, proration=HALF)],
            [billed("Fee", 70)],
            "different",
            [("Fee", "proration", 20)],
            id="half a month",
        ),
        pytest.param(
            [],
            [billed("Unused time", -70, proration=True)],
            "extra",
            [("Unused time", "proration", -70)],
            id="a proration that we never made",
        ),
        pytest.param(
            [ours("Fee", 100)],
            [billed("Fee", 119, tax=19)],
            "different",
            [("Fee", "tax", 19)],
            id="19 of tax within the amount",
        ),
        pytest.param(
            [ours("Fee", 49), ours("Set-up", 20)],
            [billed("Fee", 49)],
            "different",
            [("Set-up", "not_billed", -20)],
            id="they have no such line",
        ),
        pytest.param(
            [ours("Fee", 49)],
            [billed("Fee", 49), billed("Support", 99)],
            "different",
            [("Support", "not_in_books", 99)],
            id="we have no such line",
        ),
        pytest.param([], [billed("Fee", 49)], "extra", [("Fee", "not_in_books", 49)], id="extra"),
        pytest.param([ours("Fee", 0)], [], "equal", [], id="nothing on both sides"),
    ],
)
def test_lines_are_compared_to_the_cent(
    mine: Sequence[LineItem], theirs: Sequence[ImportedLine], verdict: str, differing: list[Any]
) -> None:
    held = [issued(*theirs)] if theirs else []
    found = shadow(invoice(*mine), "cus_1", held, Terms(prices=PRICES))
    assert found.verdict == verdict
    told = [(each.what, each.cause, each.difference) for each in found.lines if each.difference]
    assert told == differing
    assert found.difference == sum(each.difference for each in found.lines)


def test_what_nobody_billed_is_missing() -> None:
    found = shadow(invoice(ours("Fee", 49)), "cus_1", [], Terms(prices={}))
    assert (found.verdict, found.amount, found.billed) == ("missing", 49, 0)


def test_a_void_invoice_asks_for_nothing() -> None:
    held = [issued(billed("Fee", 49), status="void")]
    assert shadow(invoice(ours("Fee", 49)), None, held, Terms(prices={})).verdict == "missing"


@pytest.mark.parametrize(("taxed", "verdict"), [(True, "equal"), (False, "different")])
def test_tax_is_no_difference_where_stripe_will_add_it_to_ours_too(
    taxed: bool, verdict: str
) -> None:
    held = [issued(billed("Fee", 100), tax=19)]
    found = shadow(invoice(ours("Fee", 100)), None, held, Terms(prices={}, taxed=taxed))
    assert (found.verdict, found.tax, found.billed, found.difference) == (verdict, 19, 100, 0)
    assert [(x.what, x.cause, x.billed) for x in found.lines if x.cause] == (
        [] if taxed else [("tax", "tax", 19)]
    )


@pytest.mark.parametrize(("off", "cause"), [(10, None), (7, "discount")])
def test_a_discount_on_the_whole_invoice_is_compared_with_our_lines_of_discounts(
    off: int, cause: str | None
) -> None:
    mine = invoice(ours("Fee", 100), ours("10 % off", -10, kind="discount"))
    found = shadow(mine, None, [issued(billed("Fee", 100), discount=off)], Terms(prices={}))
    assert [(x.what, x.cause, x.amount, x.billed) for x in found.lines[1:]] == [
        ("discount", cause, -10, -off)
    ]


def test_another_currency_is_never_equal() -> None:
    held = [issued(billed("Fee", 49), currency="eur")]
    found = shadow(invoice(ours("Fee", 49)), None, held, Terms(prices={}))
    assert (found.verdict, found.lines[0].cause) == ("different", "currency")


@pytest.mark.parametrize(
    ("period", "cycle"),
    [
        pytest.param(JANUARY, "a", id="the very month"),
        pytest.param(Period(JANUARY.start, FEBRUARY.end), "a", id="both, January is longer"),
        pytest.param(FEBRUARY, "b", id="the next one"),
        pytest.param(Period(FEBRUARY.end, FEBRUARY.end + timedelta(days=9)), None, id="neither"),
    ],
)
def test_an_invoice_is_for_the_cycle_it_overlaps_most(period: Period, cycle: str | None) -> None:
    cycles = {"a": JANUARY, "b": FEBRUARY}
    assert covering(issued(period=period), cycles) == cycle


MOMENT = Period(JANUARY.end, JANUARY.end)


@pytest.mark.parametrize(
    ("own", "lines", "start"),
    [
        pytest.param(FEBRUARY, JANUARY, FEBRUARY.start, id="its own"),
        pytest.param(MOMENT, JANUARY, JANUARY.start, id="its lines'"),
        pytest.param(MOMENT, MOMENT, JANUARY.end - timedelta(days=10), id="the days before"),
    ],
)
def test_what_an_invoice_bills(own: Period, lines: Period, start: datetime) -> None:
    found = period_of(own, [billed("Fee", 1, period=lines)], JANUARY.end)
    assert found.start == start
