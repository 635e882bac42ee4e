"""Webhooks when everything happens at once: endpoints end, lines are joined, tests are made."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pytest

from adapters.postgres.database import Database
from application.delivering import LEASE, Attempt, Claimed
from tests.posted import Post, failing

TIMES = 60
GONE = "it answered 410: gone"


@pytest.fixture
def post(each_database_url: str) -> Iterator[Post]:
    database = Database(each_database_url)
    yield Post(database)
    database.close()


def all_at_once(*works: Callable[[], object]) -> None:
    """Each in a thread of its own, begun together; the first error of any is raised."""
    begin = Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        begin.wait()
        work()

    with ThreadPoolExecutor(len(works)) as threads:
        for each in [threads.submit(run, work) for work in works]:
            each.result()


def claimed(post: Post) -> list[Claimed]:
    found = []
    while one := post.lines.claim(post.now, post.now + LEASE, steady=False):
        found.append(one)
    return found


def ended(post: Post, one: Claimed) -> Callable[[], object]:
    """A worker that notes that the endpoint is to be disabled."""
    attempt = Attempt(status="given_up", at=post.now, error="answered 410", disabled=GONE)
    return partial(post.lines.finish, one, attempt)


def arrived(post: Post, one: Claimed) -> Callable[[], object]:
    """A worker that notes that a webhook was taken."""
    return partial(post.lines.finish, one, Attempt(status="delivered", at=post.now))


def test_workers_that_disable_an_endpoint_at_once_do_not_wait_for_one_another(post: Post) -> None:
    endpoint = post.listen()
    for number in range(TIMES):
        for organization in ("acme", "globex", "zoo"):
            post.tell(number, organization)
        one, two, three = claimed(post)
        all_at_once(
            ended(post, one),
            ended(post, two),
            arrived(post, three),
            partial(post.tell, number + TIMES, "globex"),
        )
        assert not post.endpoints.get(endpoint).enabled
        post.lines.prune()
        assert "waiting" not in post.statuses(endpoint)
        post.endpoints.change(endpoint, {"enabled": True}, actor="test")


def test_people_who_change_an_endpoint_do_not_wait_for_workers_for_ever(post: Post) -> None:
    for number in range(TIMES):
        endpoint = post.listen()
        for organization in ("acme", "globex", "zoo"):
            post.tell(number, organization)
        one, two, three = claimed(post)
        waits = post.deliveries(endpoint)[0].number
        all_at_once(
            ended(post, one),
            ended(post, three),
            arrived(post, two),
            partial(post.store.redeliver, endpoint, waits),
            partial(post.store.test, endpoint, f"t/{endpoint}", post.now),
        )
        post.endpoints.change(endpoint, {"enabled": False}, actor="test")
        post.endpoints.delete(endpoint, actor="test")


def test_a_test_waits_for_nothing_else(post: Post) -> None:
    endpoint = post.listen()
    post.sent.answer = failing(1)
    post.tell(1, organization="", kind="quarantine.growing")
    assert post.work() == [1]
    made = post.endpoints.test(endpoint, post.now)
    assert made.next_try_at is not None and made.next_try_at <= post.now
    for number in range(2, 20):
        post.tell(number, organization=f"o{number}")

    assert post.delivering.step(lambda: post.now)

    assert json.loads(post.sent.got[-1][2])["type"] == "endpoint.test", "the first of all"
    assert post.endpoints.delivery(endpoint, made.number).status == "delivered"


def test_a_test_that_fails_says_so_and_is_not_tried_again(post: Post) -> None:
    endpoint = post.listen()
    post.sent.answer = lambda body: 503
    made = post.endpoints.test(endpoint, post.now)

    assert post.delivering.step(lambda: post.now)

    found = post.endpoints.delivery(endpoint, made.number)
    assert (found.status, found.attempts, found.error) == ("given_up", 1, "answered 503")
    assert found.next_try_at is None
    assert post.endpoints.get(endpoint).failing_since is None, "nobody's notice failed"
    again = post.endpoints.redeliver(endpoint, made.number)
    assert again.status == "waiting" and again.notice.id == made.notice.id


def test_what_somebody_has_sent_again_goes_first(post: Post) -> None:
    endpoint = post.listen()
    post.sent.answer = failing(1)
    post.tell(1)
    post.work()
    for number in range(2, 20):
        post.tell(number, organization=f"o{number}")
    post.endpoints.redeliver(endpoint, post.deliveries(endpoint)[0].number)

    assert post.delivering.step(lambda: post.now)

    assert json.loads(post.sent.got[-1][2])["data"]["amount"] == 1
