"""Webhooks: what proves that Stripe sent one, and what is refused."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from adapters.sandbox.webhooks import signature
from adapters.stripe.webhooks import read_webhook
from domain.errors import InvalidInput

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
AT = int(NOW.timestamp())
SECRET = "whsec_one"
EVENT: dict[str, Any] = {
    "id": "evt_1",
    "object": "event",
    "type": "invoice.finalized",
    "created": 1769904000,
    "data": {"object": {"id": "in_1", "metadata": {"cycle_id": "acme.2026-01-01"}}},
}
BODY = json.dumps(EVENT).encode()


def signed(body: bytes = BODY, secret: str = SECRET, at: int = AT) -> str:
    return signature(body, secret, at)


def v1(stamp: str, body: bytes = BODY) -> str:
    mac = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256)
    return f"t={stamp},v1={mac.hexdigest()}"


def test_a_webhook_says_what_it_is_about() -> None:
    event = read_webhook(BODY, signed(), [SECRET], NOW)
    assert (event.id, event.type, event.object_id) == ("evt_1", "invoice.finalized", "in_1")
    assert event.cycle == "acme.2026-01-01"
    assert event.created == datetime(2026, 2, 1, tzinfo=UTC)
    assert event.payload == EVENT


OURS = "acme.2026-01-01/3/update_lines/f00"


@pytest.mark.parametrize(
    ("kind", "status", "cause", "echo"),
    [
        pytest.param("invoice.updated", "draft", {"idempotency_key": OURS}, True, id="a sync's"),
        pytest.param("invoice.updated", "open", {"idempotency_key": OURS}, False, id="issued"),
        pytest.param("invoice.created", "draft", {"idempotency_key": OURS}, False, id="made"),
        pytest.param(
            "invoice.updated", "draft", {"idempotency_key": "b" + OURS}, False, id="another's"
        ),
        pytest.param("invoice.updated", "draft", {"idempotency_key": None}, False, id="by hand"),
        pytest.param("invoice.updated", "draft", "req_1", False, id="as in 2017"),
        pytest.param("invoice.updated", "draft", None, False, id="by Stripe itself"),
    ],
)
def test_what_a_sync_of_ours_wrote_to_a_draft_comes_back_as_an_echo(
    kind: str, status: str, cause: Any, echo: bool
) -> None:
    about = {**EVENT["data"]["object"], "status": status}
    body = json.dumps({**EVENT, "type": kind, "request": cause, "data": {"object": about}}).encode()
    assert read_webhook(body, signed(body), [SECRET], NOW).message.echo is echo


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(signed(at=AT - 300), id="as old as allowed"),
        pytest.param(signed(at=AT + 300), id="as new as allowed"),
        pytest.param(signed() + ",v1=" + "0" * 64, id="two signatures, the first ours"),
        pytest.param(f"t={AT},v1={'0' * 64}," + signed().split(",")[1], id="the second ours"),
        pytest.param(signed() + ",v0=abc", id="another scheme beside"),
        pytest.param(
            stripe.WebhookSignature.generate_signature_header(BODY.decode(), SECRET, AT),
            id="made by the SDK",
        ),
    ],
)
def test_a_genuine_webhook_is_read(header: str) -> None:
    assert read_webhook(BODY, header, ["whsec_other", SECRET], NOW).id == "evt_1"


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(None, id="no header"),
        pytest.param("", id="empty"),
        pytest.param("nonsense", id="no parts"),
        pytest.param(signed(secret="whsec_forged"), id="another secret"),
        pytest.param(signed(b"{}"), id="another body"),
        pytest.param(signed(at=AT - 301), id="too old"),
        pytest.param(signed(at=AT + 301), id="too far in the future"),
        pytest.param(signed().replace("v1=", "v0="), id="an older scheme only"),
        pytest.param(f"t={AT},v1=", id="empty signature"),
        pytest.param(f"t={AT},v1=äöü", id="not ASCII"),
        pytest.param(f"t={AT},v1=\udcff\udcfe", id="not even Unicode"),
        pytest.param("t=١٢٣,v1=00", id="digits of another script"),
        pytest.param(v1("-5"), id="a negative instant, signed"),
        pytest.param(v1("9" * 40), id="an instant beyond all time, signed"),
        pytest.param(v1(""), id="no instant, signed"),
        pytest.param(f"t={AT}," + signed(), id="two instants"),
        pytest.param("t=" * 5000, id="a long header"),
    ],
)
def test_a_webhook_that_proves_nothing_is_refused(header: str | None) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_webhook(BODY, header, [SECRET], NOW)
    assert refused.value.context["field"] == "Stripe-Signature"


@pytest.mark.parametrize("secrets", [[], [""], ["  "]], ids=["none", "empty", "blank"])
def test_without_a_secret_nothing_is_accepted(secrets: list[str]) -> None:
    header = signature(BODY, "", AT)
    with pytest.raises(InvalidInput):
        read_webhook(BODY, header, secrets, NOW)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b'{"id": 1, "type": "x", "created": 1, "data": {"object": {}}}',
        b'{"id": "e", "type": "x", "created": "soon", "data": {"object": {}}}',
        b'{"id": "e", "type": "x", "created": 1e400, "data": {"object": {}}}',
        b'{"id": "e", "type": "x", "created": 1, "data": {"object": []}}',
        b'{"id": "e", "type": "x", "created": 1, "data": []}',
        b"[" * 100_000,
    ],
)
def test_a_signed_body_that_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_webhook(body, signed(body), [SECRET], NOW)


@pytest.mark.parametrize("metadata", [None, {}, {"cycle_id": 5}, "text", {"other": "x"}])
def test_an_object_that_is_not_ours_has_no_cycle(metadata: Any) -> None:
    event = EVENT | {"data": {"object": {"id": "in_1", "metadata": metadata}}}
    body = json.dumps(event).encode()
    assert read_webhook(body, signed(body), [SECRET], NOW).cycle is None
