"""Webhooks over HTTP: what is taken, what is refused, what failed; and the old addresses."""

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from api.app import create_app
from api.limits import BODY_BYTES_MAX
from api.settings import SANDBOX_WEBHOOK_SECRET, Settings
from api.wiring import Wired, wire
from application.inbox import Message
from tests.api.conftest import CYCLE, Caller, Run

EVENT: dict[str, Any] = {
    "id": "evt_1",
    "object": "event",
    "type": "invoice.paid",
    "created": 1767225600,
    "data": {"object": {"id": "in_1", "object": "invoice", "metadata": {}}},
}
BODY = json.dumps(EVENT).encode()
ADDRESSES = ["/webhooks/stripe", "/webhook/invoice/finalized"]


def proof(body: bytes = BODY, ahead_s: int = 0, secret: str = SANDBOX_WEBHOOK_SECRET) -> str:
    stamp = int(datetime.now(UTC).timestamp()) + ahead_s
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={digest}"


def signed(body: bytes = BODY, **headers: str) -> dict[str, Any]:
    given = {"Stripe-Signature": proof(body), "Content-Type": "application/json", **headers}
    return {"data": body, "headers": given}


def event(**changes: Any) -> dict[str, Any]:
    return signed(json.dumps(EVENT | changes).encode())


def about(**thing: Any) -> dict[str, Any]:
    return event(data={"object": thing})


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_webhook_is_stored_once_and_answered_each_time(admin: Caller, address: str) -> None:
    answers = [admin.client.post(address, **signed()) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200] * 5
    assert [answer.get_json()["new"] for answer in answers] == [True, *[False] * 4]


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(
            lambda: signed(**{"Content-Type": "application/json; charset=utf-8"}), id="as sent"
        ),
        pytest.param(lambda: signed(**{"Stripe-Signature": proof(ahead_s=-290)}), id="rather old"),
        pytest.param(
            lambda: signed(**{"Stripe-Signature": proof(ahead_s=290)}), id="from a fast clock"
        ),
        pytest.param(
            lambda: signed(**{"Stripe-Signature": f"{proof()},v0=x,v1=y"}), id="several proofs"
        ),
        pytest.param(lambda: event(type="invoice.some_day_invented"), id="a kind nobody knows"),
        pytest.param(lambda: about(object="balance"), id="about something without an id"),
        pytest.param(lambda: about(id=None), id="an id that is null"),
        pytest.param(lambda: about(id=["in_1"]), id="an id that is none"),
        pytest.param(lambda: about(id="in_1", metadata="x"), id="odd metadata"),
        pytest.param(
            lambda: about(id="in_1", metadata={"cycle_id": "\0"}), id="NUL where our id stands"
        ),
        pytest.param(
            lambda: about(id="in_1", metadata={"cycle_id": "\ud800"}), id="half a character there"
        ),
        pytest.param(lambda: about(id="\0/../v1"), id="NUL in the object's id"),
    ],
)
def test_what_stripe_signed_is_taken(
    admin: Caller, wired: Wired, request_: Callable[[], dict[str, Any]]
) -> None:
    assert admin.client.post(ADDRESSES[0], **request_()).status_code == 200
    assert wired.inbox.work(datetime.now(UTC)) == 1
    assert wired.inbox.unhandled("", 9) == []


HEADERS: dict[str, Callable[[], str]] = {
    "an empty signature": lambda: "",
    "no parts": lambda: "nonsense",
    "another secret": lambda: proof(secret="whsec_forged"),
    "another body": lambda: proof(b"{}"),
    "too old": lambda: proof(ahead_s=-310),
    "too far ahead": lambda: proof(ahead_s=310),
    "two signatures in one": lambda: f"{proof()},{proof()}",
    "not ASCII": lambda: "t=1,v1=äöü",
    "another script's digits": lambda: "t=\u00b2,v1=00",
    "a thousand forged proofs": lambda: proof(secret="whsec_forged") + f",v1={'a' * 64}" * 1000,
    "an instant beyond all time": lambda: f"t={'9' * 5000},v1=00",
}


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        pytest.param(lambda made=made: signed(**{"Stripe-Signature": made()}), 400, id=title)
        for title, made in HEADERS.items()
    ]
    + [
        pytest.param(lambda: {"data": BODY, "headers": {}}, 400, id="no headers"),
        pytest.param(
            lambda: signed(**{"Content-Type": "text/plain"}), 400, id="another content type"
        ),
        pytest.param(lambda: signed(**{"Content-Type": "\xff;;="}), 400, id="an odd content type"),
        pytest.param(lambda: signed(**{"Content-Encoding": "gzip"}), 400, id="compressed"),
        pytest.param(lambda: signed(b""), 400, id="nothing"),
        pytest.param(lambda: signed(b"\xff\xfe"), 400, id="no text"),
        pytest.param(lambda: signed(b"{"), 400, id="no JSON"),
        pytest.param(lambda: signed(b"[" * 100_000), 400, id="nested without end"),
        pytest.param(lambda: signed(b"9" * 100_000), 400, id="a number without end"),
        pytest.param(lambda: signed(b"[]"), 400, id="no object"),
        pytest.param(lambda: signed(b"null"), 400, id="null"),
        pytest.param(lambda: signed(b"{}"), 400, id="an empty object"),
        pytest.param(lambda: event(id=7), 400, id="an id that is a number"),
        pytest.param(lambda: event(id="evt_\0"), 400, id="NUL in the id"),
        pytest.param(lambda: event(id="evt_\ud800"), 400, id="half a character in the id"),
        pytest.param(lambda: event(id="e" * 10_000), 400, id="a long id"),
        pytest.param(lambda: event(type=None), 400, id="no kind"),
        pytest.param(lambda: event(created="soon"), 400, id="no instant"),
        pytest.param(lambda: event(created=10**30), 400, id="an instant beyond all time in it"),
        pytest.param(lambda: event(data={"object": []}), 400, id="about no object"),
        pytest.param(lambda: event(data=None), 400, id="about nothing"),
        pytest.param(lambda: signed(b" " * (BODY_BYTES_MAX + 1)), 413, id="too large"),
    ],
)
def test_what_stripe_did_not_send_is_refused_and_leaves_nothing(
    admin: Caller, wired: Wired, request_: Callable[[], dict[str, Any]], status: int
) -> None:
    answer = admin.client.post(ADDRESSES[0], **request_())
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert wired.inbox.work(datetime.now(UTC)) == 0


def test_the_old_address_wants_a_proof_as_well(admin: Caller, wired: Wired) -> None:
    request = {"data": BODY, "headers": {"Content-Type": "application/json"}}
    assert admin.client.post(ADDRESSES[1], **request).status_code == 400
    assert wired.inbox.work(datetime.now(UTC)) == 0


def test_a_header_that_comes_twice_proves_nothing(admin: Caller) -> None:
    headers = [*2 * [("Stripe-Signature", proof())], ("Content-Type", "application/json")]
    assert admin.client.post(ADDRESSES[0], data=BODY, headers=headers).status_code == 400


def test_any_of_several_secrets_will_do(database_url: str) -> None:
    secrets = {"DATABASE_URL": database_url, "STRIPE_WEBHOOK_SECRET": "whsec_old whsec_new"}
    with wire(Settings.from_environment(secrets), database_url) as wired:
        client = create_app(wired).test_client()
        answers = {
            secret: client.post(
                ADDRESSES[0], **signed(**{"Stripe-Signature": proof(secret=secret)})
            ).status_code
            for secret in ("whsec_old", "whsec_new", "whsec_old whsec_new", SANDBOX_WEBHOOK_SECRET)
        }
    assert list(answers.values()) == [200, 200, 400, 400]


# What failed


@pytest.fixture
def failed(wired: Wired, acme: str) -> list[str]:
    """Two messages that carry a cycle at which Stripe has nothing of the kind."""
    names = ["evt_1", "evt_2"]
    for name in names:
        message = Message(id=name, type="invoice.deleted", object_id="", cycle="acme.1999-01-01")
        wired.inbox.accept(message, b"{}")
    return names


def fail(wired: Wired, database_url: str, names: list[str]) -> None:
    """Let them fail, as they do where somebody copied an invoice at Stripe."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE webhook_inbox SET attempts = 20, due_at = NULL, last_error = %s"
            " WHERE event_id = ANY(%s)",
            ["not_found: in_2 carries acme.2026-01-01, whose invoice is in_1", names],
        )


def test_messages_that_failed_are_listed_and_tried_again(
    admin: Caller, wired: Wired, database_url: str, failed: list[str]
) -> None:
    assert admin("GET", "/v1/webhooks").get_json() == {"data": [], "next_cursor": None}
    fail(wired, database_url, failed)
    page = admin("GET", "/v1/webhooks?limit=1").get_json()
    (row,) = page["data"]
    assert (row["event"], row["type"], row["attempts"]) == ("evt_1", "invoice.deleted", 20)
    assert (row["parked"], row["due_at"]) == (True, None)
    assert row["error"].startswith("not_found: in_2 carries")
    rest = admin("GET", f"/v1/webhooks?cursor={page['next_cursor']}").get_json()
    assert ([each["event"] for each in rest["data"]], rest["next_cursor"]) == (["evt_2"], None)
    assert admin("POST", "/v1/webhooks/retry", {"event": "evt_2"}).get_json() == {"retried": 1}
    assert admin("POST", "/v1/webhooks/retry", {}).get_json() == {"retried": 2}
    assert admin("POST", "/v1/webhooks/retry", {"event": "evt_3"}).status_code == 404
    assert wired.inbox.work(datetime.now(UTC)) == 2
    assert admin("GET", "/v1/webhooks").get_json()["data"] == []


def test_the_command_shows_what_failed_and_tries_it_again(
    run: Run, wired: Wired, database_url: str, failed: list[str]
) -> None:
    fail(wired, database_url, failed)
    status, told, _ = run("webhooks")
    assert (status, "evt_1" in told, "parked" in told, "2 failed" in told) == (1, True, True, True)
    status, told, _ = run("webhooks", "--retry", "evt_1", "--json")
    assert (status, json.loads(told)["retried"]) == (1, 1)
    assert [each["event"] for each in json.loads(told)["data"]] == ["evt_2"]
    assert run("webhooks", "--retry", "all")[:2] == (0, "1 tried again\n0 failed\n")
    assert run("webhooks", "--retry", "evt_9")[0] == 2


# The old addresses


def test_a_sync_is_asked_for_by_the_cycle_or_by_stripes_id(
    admin: Caller, wired: Wired, acme: str
) -> None:
    item = {"item": "i1", "description": "x", "amount": 500, "currency": "usd", "reason": "y"}
    assert admin("POST", "/v1/organizations/acme/items", item).status_code == 200
    first = admin("POST", f"/sync?invoice={CYCLE}")
    assert (first.status_code, first.get_json()["writes"] > 0) == (200, True)
    invoice = wired.stripe_stream.load(CYCLE)[0].invoice
    again = admin("POST", f"/sync?invoice={invoice}").get_json()
    assert (again["cycle"], again["writes"], again["proved_at"] is not None) == (CYCLE, 0, True)


@pytest.mark.parametrize("invoice", ["in_nowhere", "acme.1999-01-01", "..%2Fcustomers", "in_1%2Fx"])
def test_what_is_no_invoice_of_ours_cannot_be_synced(
    admin: Caller, acme: str, invoice: str
) -> None:
    assert admin("POST", f"/sync?invoice={invoice}").status_code == 404


def test_only_staff_may_ask(caller: Any, acme: str) -> None:
    path = f"/sync?invoice={CYCLE}"
    assert caller("organization", "acme")("POST", path).status_code == 403
    assert caller("ingest")("POST", path).status_code == 403
    assert caller().client.post(path).status_code == 401
    assert caller("support")("POST", path).status_code == 200
    assert caller("support")("POST", "/sync").status_code == 422


def test_a_get_writes_nothing_and_says_why(admin: Caller, wired: Wired, acme: str) -> None:
    for method in ("GET", "HEAD"):
        answer = admin(method, f"/sync?invoice={CYCLE}")
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    told = admin("GET", f"/sync?invoice={CYCLE}").get_json()
    assert told["code"] == "method_not_allowed"
    assert "POST" in told["detail"] and "caches" in told["detail"]
    assert wired.stripe_stream.load(CYCLE)[1] == 0
