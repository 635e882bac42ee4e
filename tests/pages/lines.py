"""Lines and invoices as the billing page's words are tried on."""

from dataclasses import replace
from fractions import Fraction

from domain.invoice import Invoice, LineItem
from domain.period import Period
from tests.january import FEBRUARY, JANUARY

PERIOD = Period(JANUARY, FEBRUARY)


def line(key: str, description: str, amount: int = 100, attachment: str | None = "web") -> LineItem:
    return LineItem(
        key=key,
        kind="fee",
        description=description,
        quantity=Fraction(1),
        unit=None,
        amount=amount,
        unrounded=Fraction(amount),
        period=PERIOD,
        attachment=attachment,
    )


def measured(kind: str, description: str) -> LineItem:
    unit = None if kind in ("late", "item") else "hour"
    return replace(line("a", description), kind=kind, unit=unit)


def invoice(*lines: LineItem, currency: str = "usd") -> Invoice:
    return Invoice(
        cycle="acme.2026-01-01",
        organization="acme",
        currency=currency,
        period=PERIOD,
        revision=1,
        lines=lines,
    )
