"""The worked examples of the reference page on pricing come to what it says."""

import doctest
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from domain.invoice import Charge
from domain.price import parse_price
from domain.quantity import plain

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "pricing.md"


def bill(
    terms: Mapping[str, Any], quantity: str = "0", share: str = "1", records: Sequence[str] = ()
) -> None:
    """Print what a quantity, or single records, cost in ``share`` of a full period."""
    kind = {"kind": "recurring"} if terms["model"] == "flat" else {"kind": "metered", "meter": "m"}
    price = parse_price({"price": "p", "currency": "usd"} | kind | dict(terms), version=1)
    part = Fraction(share)
    each = [price.converted(Fraction(value)) for value in records]
    charges = price.charges(price.converted(Fraction(quantity)), part, each)
    for charge in charges:
        print(_shown(charge, part))  # noqa: T201  # what the page shows
    amount = sum((charge.amount for charge in charges), Fraction(0))
    owed = price.bounded(amount, part)
    if owed != amount:
        print(f"{'minimum' if owed > amount else 'maximum'}: {plain(owed - amount)}")  # noqa: T201
    print(f"owed: {plain(owed)}")  # noqa: T201


def _shown(charge: Charge, share: Fraction) -> str:
    prorated = charge.amount != charge.quantity * charge.unit_amount
    factors = f"{plain(charge.quantity)} × {plain(charge.unit_amount)}"
    return f"{charge.what}: {factors}{f' × {share}' * prorated} = {plain(charge.amount)}"


def test_the_worked_examples_are_right() -> None:
    found = doctest.testfile(str(PAGE), module_relative=False, globs={"bill": bill})
    assert found.attempted > 15
    assert found.failed == 0
