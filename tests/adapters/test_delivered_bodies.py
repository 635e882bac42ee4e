"""What a webhook says: signed, the same at every attempt, and what others wrote does it no harm."""

import json
from datetime import timedelta

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from adapters.notify.http import HttpSender
from application.delivering import SCHEDULE, Delivering
from application.notices import Notice
from tests.posted import ORIGIN, Post, post
from tests.receiver import receiving

__all__ = ["post"]


def test_nul_characters_of_others_stop_nobody(post: Post) -> None:
    said = {"reason": "no\0t", "lines": [{"\\u0000": "a\0b"}]}
    notice = Notice(
        kind="invoice.refunded", organization="acme", occurrence="o", at=post.now, data=said
    )
    assert post.notices.announce([notice]) == 1


def test_a_receiver_can_verify_what_came(post: Post) -> None:
    with receiving() as receiver:
        made = post.endpoints.create(receiver.url, None, actor="test")
        post.tell(1)
        Delivering(post.lines, HttpSender(local=True), ORIGIN).step(lambda: post.now)
        (got,) = receiver.got
        said = Webhook(made.secret).verify(got.body, got.headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(made.secret).verify(got.body + b" ", got.headers)
    assert got.headers["content-type"] == "application/json"
    assert said == {
        "type": "invoice.paid",
        "id": got.headers["webhook-id"],
        "timestamp": said["timestamp"],
        "organization": "acme",
        "cycle": "acme.2026-01-01",
        "data": {
            "amount": 1,
            "links": {
                "invoice": f"{ORIGIN}/v1/invoices/acme.2026-01-01",
                "organization": f"{ORIGIN}/v1/organizations/acme",
            },
        },
    }


def test_for_a_while_both_secrets_sign(post: Post) -> None:
    endpoint = post.listen()
    old = post.endpoints.get(endpoint).secret
    new = post.endpoints.rotate(endpoint, post.now, timedelta(hours=1), actor="test").secret
    post.tell(1)
    post.work()
    post.now += timedelta(hours=1)
    post.tell(2)
    post.work()
    (_, first, body), (_, second, later) = post.sent.got
    assert Webhook(old).verify(body, first) == Webhook(new).verify(body, first)
    assert (len(first["webhook-signature"].split()), len(second["webhook-signature"].split())) == (
        2,
        1,
    )
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(later, second)


def test_every_attempt_has_the_same_id_and_body_and_a_stamp_of_its_own(post: Post) -> None:
    post.listen()
    post.sent.answer = lambda body: 503
    post.tell(1)
    post.work()
    post.now += SCHEDULE[0]
    post.work()
    (_, first, body), (_, second, again) = post.sent.got
    assert (first["webhook-id"], body) == (second["webhook-id"], again)
    stamps = int(first["webhook-timestamp"]), int(second["webhook-timestamp"])
    assert stamps[1] - stamps[0] == SCHEDULE[0].total_seconds()


def test_a_test_goes_to_one_endpoint_and_is_about_nobody(post: Post) -> None:
    endpoint, other = post.listen("invoice.issued"), post.listen()
    post.endpoints.test(endpoint, post.now)
    while post.delivering.step(lambda: post.now):
        pass
    ((_, _, body),) = post.sent.got
    said = json.loads(body)
    assert (said["type"], said["organization"], said["data"]["endpoint"]) == (
        "endpoint.test",
        None,
        endpoint,
    )
    assert post.deliveries(other) == []
