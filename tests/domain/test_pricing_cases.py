"""Our models against the worked examples of other billing systems; what is left out: ``cases``."""

from fractions import Fraction
from typing import Any

import pytest

from domain.price import Price, parse_price
from tests.domain import cases
from tests.domain.cases import Case, exact
from tests.domain.oracle import owed


def priced(terms: dict[str, Any]) -> Price:
    names = {"price": "p", "currency": "usd", "kind": "metered", "meter": "m"}
    return parse_price(names | terms, version=1)


def titled(table: list[Case]) -> list[Any]:
    return [pytest.param(case, id=case.title) for case in table]


def check(case: Case) -> None:
    """What a sum comes to, less what the sum before came to; the oracle says the same."""
    price = priced(case.terms)
    share = Fraction(case.share)
    records = [Fraction(value) for value in case.records]
    whole = exact(case.before) + exact(case.quantity) + sum(records)
    charges = price.charges(price.converted(whole), share, records)
    amount = sum(charge.amount for charge in charges)
    before = price.charges(price.converted(exact(case.before)), share) if case.before else ()
    assert amount - sum(charge.amount for charge in before) == exact(case.amount)
    assert owed(case.terms, whole, share, records) == amount
    if case.charges:
        assert [charge.amount for charge in charges] == [exact(each) for each in case.charges]


@pytest.mark.parametrize("case", titled(cases.FLAT))
def test_flat(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("case", titled(cases.PER_UNIT))
def test_per_unit(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("case", titled(cases.PACKAGE))
def test_package(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("case", titled(cases.GRADUATED))
def test_graduated(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("case", titled(cases.VOLUME))
def test_volume(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("case", titled(cases.STAIRSTEP))
def test_stairstep(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("case", titled(cases.PERCENTAGE))
def test_percentage(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("case", titled(cases.GRADUATED_PERCENTAGE))
def test_graduated_percentage(case: Case) -> None:
    check(case)


@pytest.mark.parametrize(
    ("terms", "amount", "expected"),
    [pytest.param(*row[1:], id=f"{row[2]} is {row[3]} ({row[0]})") for row in cases.BOUNDED],
)
def test_minimum_and_maximum(terms: dict[str, Any], amount: str, expected: str) -> None:
    price = priced(cases.per_unit("1") | terms)
    assert price.bounded(exact(amount), Fraction(1)) == exact(expected)
    assert owed(cases.per_unit("1") | terms, exact(amount), Fraction(1)) == exact(expected)
