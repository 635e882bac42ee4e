"""Which attachment, at which price, rates a usage record."""

import pytest

from domain.attachment import Attachment, Run
from domain.attribution import FILTERED, UNPRICED, Attribution, check_scopes
from domain.errors import RuleViolation
from domain.events.usage import micros
from domain.price import Price
from tests.january import JANUARY, day, price

DOLLARS = price("usd", meter="cpu", model="per_unit", unit_amount="1", scope="organization")
EUROS = price(
    "eur", meter="cpu", model="per_unit", unit_amount="1", scope="organization", currency="eur"
)
BOOK = {each.ref: each for each in (DOLLARS, EUROS)}


def attachment(*prices: Price, key: str = "a1") -> Attachment:
    refs = tuple(each.ref for each in prices)
    return Attachment(id=key, runs=[Run(service="s", name="S", prices=refs, since=JANUARY)])


@pytest.mark.parametrize(
    ("currency", "ref"),
    [("usd", "usd@1"), ("eur", "eur@1"), ("gbp", UNPRICED)],
)
@pytest.mark.parametrize("named", ["a1", ""])
def test_only_prices_in_the_cycles_currency_rate(currency: str, ref: str, named: str) -> None:
    found = Attribution([attachment(DOLLARS, EUROS)], BOOK, currency)
    at = micros(day(5))
    rated_by = ("a1", ref) if ref else (named, UNPRICED)
    assert found.resolve("cpu", named, at) == rated_by
    assert found.resolve_span("cpu", named, at, at + 1) == rated_by


def test_what_a_filter_leaves_out_is_rated_by_nothing() -> None:
    found = Attribution([attachment(DOLLARS)], BOOK, "usd")
    assert found.resolve("cpu", FILTERED, micros(day(5))) == (FILTERED, UNPRICED)


def test_one_meter_has_one_organization_wide_price_in_each_currency() -> None:
    running = [attachment(DOLLARS)]
    check_scopes(running, [EUROS], day(5), BOOK)
    with pytest.raises(RuleViolation) as refusal:
        check_scopes(running, [DOLLARS], day(5), BOOK)
    assert refusal.value.code == "meter_already_rated"
