"""A line's arithmetic in words and whole units of money, as customers read it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from functools import partial

from api.pages.words import minute, money, number
from domain.money import exponent
from domain.quantity import plain
from projections.meter_words import several_of
from projections.steps import ELSEWHERE, Step

PLACES = 6
"""Decimals of prices and of amounts that are not rounded yet."""

_WORDS: Mapping[str, str] = {
    "tally": "Measured: {what}",
    "conversion": "Converted: {what}",
    "included": "Free of charge: {what}",
    "corrects": "This changes a line of an earlier invoice",
    "unrounded": "Exact amount",
}

_INSTANT = r"(\d{4}-\d\d-\d\d \d\d:\d\d)"
_SPAN = re.compile(rf"{_INSTANT} to {_INSTANT} UTC", re.ASCII)
"""How rating writes since when and until when a part counts (domain/rating/fees.py, ahead.py)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One step. quantity, price, amount: as shown, empty where there is none.

    sums: whether the amount counts in this line, and is not only told here.
    """

    words: str
    quantity: str
    price: str
    amount: str
    kind: str
    sums: bool = True


def rows(steps: Iterable[Step], amount: int, currency: str, zone: str = "UTC") -> tuple[Row, ...]:
    """The steps that lead to an amount, in minor units of a currency. zone: of instants."""
    found = (_row(step, amount, currency) for step in steps if _says_something(step))
    return tuple(replace(row, words=_SPAN.sub(partial(_there, zone), row.words)) for row in found)


def _there(zone: str, span: re.Match[str]) -> str:
    """A span as people there write it."""
    begun, ended = (datetime.fromisoformat(f"{each}+00:00") for each in span.groups())
    return f"{minute(begun, zone)} to {minute(ended, zone)}"


def _says_something(step: Step) -> bool:
    return step.kind != "rounding" or bool(step.amount)


def _row(step: Step, amount: int, currency: str) -> Row:
    quantity, unit = step.quantity, step.unit
    shown = "" if quantity is None else number(plain(quantity, PLACES))
    if shown and unit:
        shown += f" {unit if quantity == 1 else several_of(unit)}"
    if step.kind == "proration":
        shown = ""
    return Row(
        words=_words(step, amount, currency),
        quantity=shown,
        price=_exact(step.unit_amount, currency),
        amount=_exact(step.amount, currency),
        kind=step.kind,
        sums=step.kind not in ELSEWHERE,
    )


def _words(step: Step, amount: int, currency: str) -> str:
    if step.kind == "rounding":
        return f"Rounded once, to {money(amount, currency)}"
    what = step.what.removesuffix(" measured")
    words = _WORDS.get(step.kind, "{what}").format(what=what)
    return words[:1].upper() + words[1:]


def _exact(amount: Fraction | None, currency: str) -> str:
    """Minor units as units, not rounded to cents."""
    if amount is None:
        return ""
    return number(plain(amount / 10 ** exponent(currency), PLACES))
