"""A second person: above the limit a change by hand is kept until somebody else carries it out."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from flask import Flask

from adapters.sandbox.app import Sandbox
from api.app import create_app
from api.weighing import NOT_ASKED
from api.wiring import Wired
from application.kept_changes import Consent
from tests.api.conftest import START, Caller, day
from tests.api.test_access import OPS
from tests.api.test_conflicts import EDITS, decided, edited
from tests.api.test_life import INVOICE, ORGANIZATION, USAGE, amounts, done, issued, used
from tests.api.test_usage import record

__all__ = ["edited", "issued", "used"]

ABOVE = 99
WHY = {"reason": "as agreed"}
ITEM = {"item": "i1", "description": "Setup", "amount": 2500, "currency": "usd", **WHY}
ITEMS = f"{ORGANIZATION}/items"
FLAT = {"price": "flat", "currency": "usd", "kind": "recurring", "model": "flat", "amount": "3000"}
REQUESTS = "/v1/change-requests"


@pytest.fixture
def guarded(wired: Wired) -> Iterator[Flask]:
    """The API with a limit below one dollar; what happened before it had none."""
    settings = replace(wired.settings, second_person_above=ABOVE)
    yield create_app(replace(wired, settings=settings))


@pytest.fixture
def person(guarded: Flask, wired: Wired) -> Callable[..., Caller]:
    """Makes somebody with a key of their own."""

    def make(role: str = "support") -> Caller:
        return Caller(guarded.test_client(), wired.keys.create(role, actor="test"))

    return make


@pytest.fixture
def ada(person: Callable[..., Caller]) -> Caller:
    return person("admin")


@pytest.fixture
def bob(person: Callable[..., Caller]) -> Caller:
    return person("support")


def kept(answer: Any) -> str:
    """The id of a change that was kept."""
    return str(done(answer, 202)["change_request"])


def approve(who: Caller, request: str, **body: Any) -> Any:
    return who("POST", f"{REQUESTS}/{request}/approve", body)


def code(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.get_data(as_text=True)
    return str(answer.get_json()["code"])


ABOUT_BOOKS = {
    "usage",
    "corrections",
    "organizations",
    "attachments",
    "adjustments",
    "catalog",
    "invoices",
    "lifecycle",
    "portal",
    "conflicts",
    "payments",
}
"""The subjects whose operations change what somebody owes, or might."""


def test_every_operation_that_changes_books_asks_or_says_why_not() -> None:
    changing = {op.name for op in OPS if op.method != "GET" and op.tag in ABOUT_BOOKS}
    asking = {op.name for op in OPS if op.second is not None}
    assert asking & NOT_ASKED.keys() == set()
    assert changing - NOT_ASKED.keys() == asking


def test_up_to_the_limit_one_person_is_enough(ada: Caller, used: str) -> None:
    assert done(ada("POST", ITEMS, ITEM | {"amount": ABOVE}))["effect"] == "recorded"


def test_above_it_the_change_is_kept_and_not_carried_out(
    ada: Caller, bob: Caller, used: str
) -> None:
    before = amounts(ada)
    answer = done(ada("POST", ITEMS, ITEM), 202)
    said = {key: answer[key] for key in ("needs", "amount", "limit", "currency")}
    assert said == {"needs": "a second person", "amount": 2500, "limit": 99, "currency": "usd"}
    assert amounts(ada) == before
    (listed,) = done(bob("GET", f"{REQUESTS}?state=waiting"))["data"]
    assert listed == done(bob("GET", f"{REQUESTS}/{answer['change_request']}"))
    assert (listed["operation"], listed["body"]) == ("add_item", ITEM)
    assert listed["preview"]["invoices"][0]["lines"][0]["becomes"] == 2500


def test_a_second_person_carries_it_out_and_the_log_names_both(
    ada: Caller, bob: Caller, used: str, database_url: str
) -> None:
    request = kept(ada("POST", ITEMS, ITEM))
    found = done(approve(bob, request, reason="agreed with sales"))
    assert (found["state"], found["answer"]["effect"]) == ("approved", "recorded")
    assert found["decided_by"] == f"key:{bob.key[:11]}"
    assert amounts(ada)["item/i1"] == 2500
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT convert_from(state, 'UTF8')::json ->> 'actor' FROM cyclebook_events"
            " ORDER BY notification_id DESC LIMIT 1"
        ).fetchone()
    people = f"key:{ada.key[:11]}, approved by key:{bob.key[:11]}"
    assert row == (f"{people}, change request {request}",)
    assert code(approve(bob, request), 409) == "change_request_decided"


def test_whoever_asked_may_take_it_back_and_not_approve_it(ada: Caller, used: str) -> None:
    request = kept(ada("POST", ITEMS, ITEM))
    assert code(approve(ada, request), 403) == "needs_second_person"
    taken = done(ada("POST", f"{REQUESTS}/{request}/reject", WHY))
    assert (taken["state"], taken["reason"]) == ("rejected", "as agreed")


def test_a_key_that_took_the_place_of_anothers_is_no_second_person(
    ada: Caller, guarded: Flask, wired: Wired, used: str
) -> None:
    request = kept(ada("POST", ITEMS, ITEM))
    secret = ada.key
    for _ in range(2):
        secret, _ = wired.keys.rotate(secret[:11], actor="test")
    assert code(approve(Caller(guarded.test_client(), secret), request), 403) == (
        "needs_second_person"
    )


def test_nobody_approves_what_they_may_not_do(ada: Caller, bob: Caller, issued: str) -> None:
    request = kept(ada("POST", f"{INVOICE}/void", {"mode": "reissue", **WHY}))
    assert code(approve(bob, request), 403) == "forbidden"


def test_what_does_something_else_by_now_is_shown_again(
    ada: Caller, bob: Caller, used: str
) -> None:
    request = kept(ada("POST", f"{ORGANIZATION}/discounts", DISCOUNT))
    done(ada("POST", "/v1/usage", [record("k3", value="100")]))
    refused = approve(bob, request)
    assert code(refused, 409) == "changed_since"
    (shown,) = refused.get_json()["shown"]["differences"].values()
    assert shown == -375
    assert done(bob("GET", f"{REQUESTS}/{request}"))["amount"] == 375
    assert done(approve(bob, request))["state"] == "approved"


DISCOUNT = {"discount": "d1", "percent": "50", "cycles": 1, **WHY}


def test_an_approver_may_say_how_much_it_may_be_by_then(
    ada: Caller, bob: Caller, used: str
) -> None:
    request = kept(ada("POST", f"{ORGANIZATION}/discounts", DISCOUNT))
    done(ada("POST", "/v1/usage", [record("k3", value="100")]))
    assert code(approve(bob, request, up_to=374), 409) == "changed_since"
    done(ada("POST", "/v1/usage", [record("k4", value="1")]))
    assert done(approve(bob, request, up_to=400))["state"] == "approved"


def test_other_changes_of_the_invoice_do_not_matter(ada: Caller, bob: Caller, used: str) -> None:
    request = kept(ada("POST", ITEMS, ITEM))
    done(ada("POST", "/v1/usage", [record("k3", value="100")]))
    assert done(approve(bob, request))["state"] == "approved"


def test_it_is_dated_as_it_was_asked(ada: Caller, bob: Caller, used: str) -> None:
    request = kept(ada("POST", ITEMS, ITEM))
    assert done(approve(bob, request))["state"] == "approved"
    last = done(ada("GET", f"{INVOICE}/history"))["data"][-1]
    assert last["occurred_at"] == done(ada("GET", f"{REQUESTS}/{request}"))["asked_at"]


def test_after_a_week_it_is_over(ada: Caller, bob: Caller, used: str, database_url: str) -> None:
    request = kept(ada("POST", ITEMS, ITEM))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE change_request SET expires_at = now()")
    assert code(approve(bob, request), 409) == "change_request_expired"
    (listed,) = done(bob("GET", f"{REQUESTS}?state=expired"))["data"]
    assert (listed["change_request"], listed["state"]) == (request, "expired")
    assert done(bob("GET", f"{REQUESTS}?state=waiting"))["data"] == []


def test_what_is_refused_then_goes_on_waiting(ada: Caller, bob: Caller, used: str) -> None:
    request = kept(ada("POST", ITEMS, ITEM))
    done(bob("POST", ITEMS, ITEM | {"amount": 50}))
    assert code(approve(bob, request), 409) == "conflict"
    found = done(bob("GET", f"{REQUESTS}/{request}"))
    assert (found["state"], found["begun_by"]) == ("waiting", None)


def test_only_one_decides_at_a_time(wired: Wired, ada: Caller, bob: Caller, used: str) -> None:
    request = kept(ada("POST", ITEMS, ITEM))

    def also(again: list[str]) -> Any:
        answer = approve(bob, request)
        again.append(code(answer, 503))
        return wired.change_requests.get(request).stake

    again: list[str] = []
    eve = Consent(actor="staff:eve")
    wired.change_requests.approve(request, lambda: also(again), lambda: None, eve)
    assert again == ["busy"]


def test_the_same_key_and_body_keep_one_request(ada: Caller, used: str) -> None:
    headers = {"Idempotency-Key": "i"}
    first, again = (kept(ada("POST", ITEMS, ITEM, headers=headers)) for _ in range(2))
    assert first == again
    assert len(done(ada("GET", REQUESTS))["data"]) == 1


def test_a_repeat_of_what_is_recorded_asks_nobody(admin: Caller, ada: Caller, used: str) -> None:
    credit = {"credit": "k1", "amount": 9_000, "currency": "usd", **WHY}
    for path, body in ((ITEMS, ITEM), (f"{ORGANIZATION}/credits", credit)):
        done(admin("POST", path, body))
        assert done(ada("POST", path, body))["effect"] == "nothing"


def test_a_preview_is_shown_and_not_kept(ada: Caller, used: str) -> None:
    assert done(ada("POST", f"{ITEMS}?preview=true", ITEM))["invoices"]
    assert done(ada("GET", REQUESTS))["data"] == []


def test_requests_are_paged(ada: Caller, used: str) -> None:
    ids = [kept(ada("POST", ITEMS, ITEM | {"item": f"i{number}"})) for number in range(3)]
    first = done(ada("GET", f"{REQUESTS}?limit=2"))
    rest = done(ada("GET", f"{REQUESTS}?limit=2&cursor={first['next_cursor']}"))
    listed = [each["change_request"] for each in first["data"] + rest["data"]]
    assert (listed, rest["next_cursor"]) == (ids[::-1], None)


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
