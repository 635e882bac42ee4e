"""Webhook endpoints that are disabled or removed, and what becomes of what waits for them."""

import json
from datetime import timedelta

import psycopg
import pytest

from adapters.postgres.notices import announce
from application.endpoints import ENDPOINTS_MAX
from domain.errors import NotFound, RuleViolation
from tests.posted import Post, paid, post

__all__ = ["post"]


def test_after_five_days_of_nothing_but_failures_it_is_disabled_and_that_is_told(
    post: Post,
) -> None:
    endpoint, other = post.listen("invoice.paid"), post.listen("endpoint.disabled")
    paid = {"invoice.paid": 500}
    post.sent.answer = lambda body: paid.get(json.loads(body)["type"], 204)
    began = post.now
    post.tell(1)
    for day in range(6):
        post.now = began + timedelta(days=day)
        post.tell(10 + day, organization=f"o{day}")
        while post.delivering.step(lambda: post.now):
            pass
    known = post.endpoints.get(endpoint)
    assert not known.enabled
    assert known.disabled_reason is not None
    assert known.disabled_reason.startswith("every attempt failed since")
    assert set(post.statuses(endpoint)) == {"given_up"}
    while post.delivering.step(lambda: post.now):
        pass
    assert post.statuses(other) == ["delivered"]
    post.tell(99)
    assert post.work() == []
    with pytest.raises(RuleViolation):
        post.endpoints.test(endpoint, post.now)
    post.endpoints.change(endpoint, {"enabled": True}, actor="test")
    paid.clear()
    post.tell(100)
    assert post.work() == [100]
    assert post.endpoints.get(endpoint).failing_since is None


def test_one_that_says_it_is_gone_is_disabled_at_once(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint = post.listen("invoice.paid")
    post.sent.answer = lambda body: 410
    post.tell(1)
    post.tell(2)
    assert post.work() == [1]
    assert post.endpoints.get(endpoint).disabled_reason == "it answered 410: gone"
    assert post.statuses(endpoint) == ["given_up", "given_up"]
    assert f"webhook endpoint {endpoint} is disabled: it answered 410: gone" in caplog.messages


def test_what_waits_for_an_endpoint_ends_with_it(post: Post) -> None:
    gone, disabled = post.listen(), post.listen()
    post.tell(1)
    post.endpoints.delete(gone, actor="test")
    post.endpoints.change(disabled, {"enabled": False}, actor="test")
    assert post.work() == []
    assert post.statuses(disabled) == ["given_up"]
    with pytest.raises(NotFound):
        post.endpoints.get(gone)


@pytest.mark.parametrize("enabled_again", [False, True])
def test_what_is_announced_while_an_endpoint_is_disabled_neither_waits_nor_comes_later(
    post: Post, each_database_url: str, enabled_again: bool
) -> None:
    endpoint = post.listen()
    with psycopg.connect(each_database_url) as announcing:
        announce(announcing, [paid(1, at=post.now)], mails=False)
        post.endpoints.change(endpoint, {"enabled": False}, actor="test")
    if enabled_again:
        post.endpoints.change(endpoint, {"enabled": True}, actor="test")
    else:
        post.lines.prune()
    assert post.statuses(endpoint) == ["given_up"]
    assert post.work() == []


def test_there_are_only_so_many_endpoints(post: Post) -> None:
    for _ in range(ENDPOINTS_MAX):
        post.listen()
    with pytest.raises(RuleViolation):
        post.listen()
