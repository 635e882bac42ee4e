"""What changes by hand weigh: by that a second person is asked, or nobody is."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.sandbox.app import Sandbox
from api.wiring import Wired
from tests.api.conftest import START, Caller, day
from tests.api.second_persons import (
    DISCOUNT,
    ITEM,
    ITEMS,
    REQUESTS,
    WHY,
    ada,
    approve,
    bob,
    code,
    guarded,
    person,
)
from tests.api.test_conflicts import EDITS, decided, edited
from tests.api.test_life import INVOICE, ORGANIZATION, USAGE, done, issued, used
from tests.api.test_usage import record

__all__ = ["ada", "bob", "edited", "guarded", "issued", "person", "used"]

ACCRUING: list[tuple[str, str, Any, int]] = [
    ("an item, by its line", ITEMS, ITEM, 2500),
    (
        "a credit, by all of it, although the invoice uses less",
        f"{ORGANIZATION}/credits",
        {"credit": "k1", "amount": 9_000, "currency": "usd", **WHY},
        9_000,
    ),
    ("a discount, for all its cycles", f"{ORGANIZATION}/discounts", DISCOUNT | {"cycles": 3}, 750),
    (
        "a discount without an end, for a year",
        f"{ORGANIZATION}/discounts",
        {"discount": "d1", "percent": "50", **WHY},
        3_000,
    ),
    (
        "an amount off each invoice, by what it may be",
        f"{ORGANIZATION}/discounts",
        {"discount": "d1", "amount": 2_000, "cycles": 2, **WHY},
        4_000,
    ),
    ("a waiver, by the line", f"{INVOICE}/waive", {"line": USAGE, **WHY}, 500),
    (
        "an override, by the difference",
        f"{INVOICE}/override",
        {"line": USAGE, "amount": 90, **WHY},
        410,
    ),
    (
        "corrections, all of a request",
        "/v1/usage/corrections",
        [{"action": "retract", "source": "fra-7", "id": key, **WHY} for key in ("k1", "none")],
        250,
    ),
]


@pytest.mark.parametrize(
    ("path", "body", "amount"), [each[1:] for each in ACCRUING], ids=[each[0] for each in ACCRUING]
)
def test_what_a_change_of_an_accruing_invoice_weighs(
    ada: Caller, bob: Caller, used: str, path: str, body: Any, amount: int
) -> None:
    answer = done(ada("POST", path, body), 202)
    assert (answer["amount"], answer["currency"]) == (amount, "usd")
    assert done(approve(bob, answer["change_request"]))["state"] == "approved"


NOTE = {"note": "n1", "lines": {USAGE: 200}, "reduce_due": 200, **WHY}
ISSUED: list[tuple[str, str, Any, int]] = [
    ("a credit note, by what it takes off", "credit-notes", NOTE, 200),
    ("taking an invoice back, by its total", "void", {"mode": "reissue", **WHY}, 500),
    ("giving it up, by what is left to be paid", "uncollectible", WHY, 500),
    ("a late amount", "late/write-off", {"line": USAGE, **WHY}, 250),
]


@pytest.mark.parametrize(
    ("path", "body", "amount"), [each[1:] for each in ISSUED], ids=[each[0] for each in ISSUED]
)
def test_what_a_change_of_an_issued_invoice_weighs(
    ada: Caller, person: Callable[..., Caller], issued: str, path: str, body: Any, amount: int
) -> None:
    done(ada("POST", "/v1/usage", [record("late", value="100", occurred_at=day(2))]))
    answer = done(ada("POST", f"{INVOICE}/{path}", body), 202)
    assert (answer["amount"], answer["currency"]) == (amount, "usd")
    assert done(approve(person("admin"), answer["change_request"]))["state"] == "approved"


@pytest.mark.parametrize("mode", ["reissue", "forgive"])
def test_deciding_about_one_that_was_voided_elsewhere_weighs_its_total(
    ada: Caller,
    person: Callable[..., Caller],
    issued: str,
    sandbox: Sandbox,
    wired: Wired,
    mode: str,
) -> None:
    (invoice,) = sandbox.world.ledger.every("invoice")
    sandbox.dashboard.act(invoice["id"], "void")
    now = datetime.now(UTC)
    wired.catching_up.run(now, START)
    assert wired.inbox.work(now) > 0
    assert done(ada("GET", INVOICE))["status"] == "void"
    answer = done(ada("POST", f"{INVOICE}/void", {"mode": mode, **WHY}), 202)
    assert (answer["amount"], answer["currency"]) == (500, "usd")
    assert done(approve(person("admin"), answer["change_request"]))["state"] == "approved"


def test_taking_an_edited_draft_over_weighs_what_others_changed(
    ada: Caller, bob: Caller, edited: None, wired: Wired
) -> None:
    answer = done(ada("POST", EDITS, decided("adopt")), 202)
    assert (answer["amount"], answer["currency"]) == (100, "usd")
    approved = done(approve(bob, answer["change_request"], up_to=100))
    assert approved["answer"]["proved_at"]


def test_making_an_edited_draft_ours_again_asks_nobody(ada: Caller, edited: None) -> None:
    assert done(ada("POST", EDITS, decided("overwrite")))["proved_at"]


FLAT = {"price": "flat", "currency": "usd", "kind": "recurring", "model": "flat", "amount": "3000"}
FREE = {"discount": "d1", "percent": "50", "cycles": 2, **WHY}


@pytest.mark.parametrize(
    ("body", "amount"),
    [
        pytest.param({"discount": "d1", "amount": 2_000, "cycles": 2, **WHY}, 4_000, id="amount"),
        pytest.param(FREE, 500, id="percent, by the invoice before"),
        pytest.param(FREE | {"prices": ["cpu"]}, 500, id="percent of the price it is for"),
    ],
)
def test_a_discount_that_takes_nothing_off_yet_weighs_what_it_would_have(
    ada: Caller, bob: Caller, issued: str, body: Any, amount: int
) -> None:
    answer = done(ada("POST", f"{ORGANIZATION}/discounts", body), 202)
    assert (answer["amount"], answer["currency"]) == (amount, "usd")
    assert done(approve(bob, answer["change_request"]))["state"] == "approved"
    assert done(ada("POST", f"{ORGANIZATION}/discounts", body))["effect"] == "nothing"


def test_a_discount_of_a_price_that_nobody_paid_asks_nobody(ada: Caller, issued: str) -> None:
    done(ada("POST", "/v1/prices", FLAT))
    answer = ada("POST", f"{ORGANIZATION}/discounts", FREE | {"prices": ["flat"]})
    assert done(answer)["effect"] == "recorded"


@pytest.mark.parametrize(
    ("path", "body"), [each[1:3] for each in ISSUED[:3]], ids=[each[0] for each in ISSUED[:3]]
)
def test_what_is_for_an_issued_invoice_is_refused_at_once_before_it_is(
    ada: Caller, used: str, path: str, body: Any
) -> None:
    assert code(ada("POST", f"{INVOICE}/{path}", body), 409) in ("not_issued", "not_voidable")
    assert done(ada("GET", REQUESTS))["data"] == []


def test_a_payment_that_stripe_collects_is_refused_at_once(ada: Caller, issued: str) -> None:
    payment = {"amount": 500, "reference": "bank 17"}
    refused = ada("POST", f"{INVOICE}/payments", payment)
    assert code(refused, 409) == "collected_elsewhere"
    assert done(ada("GET", REQUESTS))["data"] == []


def test_a_request_that_nobody_can_use_is_refused_and_not_kept(ada: Caller, used: str) -> None:
    assert code(ada("POST", ITEMS, ITEM | {"currency": "eur"}), 409) == "currency_mismatch"
    assert code(ada("POST", ITEMS, ITEM | {"amount": -1}), 422) == "invalid_input"
    assert done(ada("GET", REQUESTS))["data"] == []
