"""Search: from whatever a person has in hand to what it belongs to."""

from typing import Any

import pytest

from api.wiring import Wired
from tests.api.conftest import CYCLE, START, Caller
from tests.api.test_life import done, issued, used

__all__ = ["issued", "used"]

MEMBERS = [{"user": "u1", "email": "Ada@Acme.example", "role": "owner"}]


def found(admin: Caller, text: str, **query: Any) -> dict[str, list[str]]:
    """What a text leads to, as ``id by``."""
    answer = done(admin("GET", "/v1/search", query_string={"q": text, **query}))
    found = {
        kind: [f"{each[kind.removesuffix('s')]} {each['by']}" for each in answer[kind]]
        for kind in ("organizations", "cycles")
    }
    return found | {"cases": [each["case"] for each in answer["cases"]]}


NOTHING: dict[str, list[str]] = {"organizations": [], "cycles": [], "cases": []}


@pytest.fixture
def others(admin: Caller, acme: str) -> None:
    """Acme has a member, and there are others with like names."""
    for organization, details in (
        ("acme", {"name": "Acme", "members": MEMBERS, "anchor_day": START.day}),
        ("acme-labs", {"name": "Laboratory"}),
        ("initech", {"name": "Formerly Acme"}),
    ):
        path = f"/v1/organizations/{organization}"
        assert admin("PUT", path, {"currency": "usd", **details}).status_code < 300


@pytest.mark.parametrize(
    ("text", "organizations"),
    [
        pytest.param("ada@acme.EXAMPLE", ["acme email"], id="a member's address in any case"),
        pytest.param("ada@acme", [], id="but not a part of it"),
        pytest.param("FORMERLY", ["initech name"], id="a part of a name in any case"),
        pytest.param("labs", ["acme-labs id"], id="a part of an id"),
        pytest.param(
            "acme", ["acme id", "acme-labs id", "initech name"], id="the whole id before parts"
        ),
        pytest.param("100%", [], id="no pattern"),
    ],
)
def test_organizations_are_found(
    admin: Caller, others: None, text: str, organizations: list[str]
) -> None:
    assert found(admin, text) == NOTHING | {"organizations": organizations}


def test_an_issued_invoice_is_found_by_what_stripe_calls_it(
    wired: Wired, admin: Caller, issued: str
) -> None:
    while wired.projector.step():
        pass
    invoice = done(admin("GET", f"/v1/invoices/{CYCLE}"))
    number, stripe = invoice["number"], invoice["stripe"]["invoice"]
    by_number = NOTHING | {"cycles": [f"{CYCLE} number"]}
    assert found(admin, number.lower()) == by_number
    assert found(admin, number[:6]) == by_number
    assert found(admin, stripe) == NOTHING | {"cycles": [f"{CYCLE} stripe_invoice"]}
    assert found(admin, CYCLE)["cycles"] == [f"{CYCLE} cycle"]
    assert f"{CYCLE} cycle" in found(admin, CYCLE[:9])["cycles"]
    customer = done(admin("GET", "/v1/organizations/acme"))["stripe_customer"]
    assert found(admin, customer) == NOTHING | {"organizations": ["acme stripe_customer"]}
    assert found(admin, "cus_none") == NOTHING


def test_a_search_is_short_and_says_what_it_needs(admin: Caller, others: None) -> None:
    assert found(admin, "acme", limit=1)["organizations"] == ["acme id"]
    for query in ({}, {"q": ""}, {"q": " "}, {"q": "x" * 201}, {"q": "acme", "limit": 21}):
        assert admin("GET", "/v1/search", query_string=query).status_code == 422
