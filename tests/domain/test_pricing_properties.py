"""What holds for every price plan and every usage. ``make test-deep`` looks at far more of them."""

import os
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.price import Price, parse_price, terms_of
from domain.pricing import MODELS
from tests.domain.oracle import owed
from tests.domain.plans import RECORDS, SHARES, VALUES, Terms, plans

pytestmark = pytest.mark.timeout(3600)
widely = settings(max_examples=int(os.environ.get("DEEP_EXAMPLES", "300")), deadline=None)

RISING = ("flat", "per_unit", "package", "graduated", "graduated_percentage")
"""Where more never costs less: volume and stairstep may fall at a bound."""


def priced(price: Price, quantity: Fraction, share: Fraction, records: Any = ()) -> Fraction:
    each = [price.converted(value) for value in records]
    charges = price.charges(price.converted(quantity), share, each)
    return price.bounded(sum((charge.amount for charge in charges), Fraction(0)), share)


@pytest.mark.parametrize("model", MODELS)
@widely
@given(data=st.data(), quantity=VALUES, share=SHARES)
def test_the_oracle_comes_to_the_same(
    model: str, data: st.DataObject, quantity: Fraction, share: Fraction
) -> None:
    terms = data.draw(plans((model,)))
    price = parse_price(terms, version=1)
    records = data.draw(RECORDS) if price.model.per_record else []
    whole = sum(records, Fraction(0)) if price.model.per_record else quantity
    assert priced(price, whole, share, records) == owed(terms, whole, share, records)


@widely
@given(terms=plans())
def test_terms_are_read_back_as_they_were_written(terms: Terms) -> None:
    price = parse_price(terms, version=3)
    assert parse_price(terms_of(price), version=3) == price


@widely
@given(terms=plans(RISING), first=VALUES, more=st.integers(0, 500), share=SHARES)
def test_more_never_costs_less(terms: Terms, first: Fraction, more: int, share: Fraction) -> None:
    price = parse_price(terms, version=1)
    assert priced(price, first, share) <= priced(price, first + more, share)


@widely
@given(terms=plans(), quantity=VALUES, records=RECORDS, share=SHARES)
def test_every_charge_is_its_units_at_their_price(
    terms: Terms, quantity: Fraction, records: list[Fraction], share: Fraction
) -> None:
    price = parse_price(terms, version=1)
    for charge in price.charges(price.converted(quantity), share, records):
        flat = "flat" in charge.what or charge.what.startswith("step")
        assert charge.amount == charge.quantity * charge.unit_amount * (share if flat else 1)
        assert charge.amount >= 0


@widely
@given(
    terms=plans(("per_unit", "percentage")),
    parts=st.lists(VALUES.map(abs), max_size=5),
    share=SHARES,
)
def test_where_a_model_is_linear_parts_come_to_the_whole(
    terms: Terms, parts: list[Fraction], share: Fraction
) -> None:
    model = parse_price(terms, version=1).model
    if model.linear:
        apart = [charge.amount for part in parts for charge in model.rate(part, share)]
        whole = model.rate(sum(parts, Fraction(0)), share)
        assert sum(apart) == sum(charge.amount for charge in whole)
