"""A second person: above the limit a change by hand is kept until somebody else carries it out."""

from typing import Any

import psycopg
from flask import Flask

from api.weighing import NOT_ASKED
from api.wiring import Wired
from application.kept_changes import Consent
from tests.api.conftest import Caller
from tests.api.second_persons import (
    ABOVE,
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
    kept,
    person,
)
from tests.api.test_access import OPS
from tests.api.test_life import INVOICE, ORGANIZATION, amounts, done, issued, used
from tests.api.test_usage import record

__all__ = ["ada", "bob", "guarded", "issued", "person", "used"]

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
