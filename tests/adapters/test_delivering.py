"""Webhooks on their way: in order, again after a failure, given up at last, and never lost."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from application.delivering import LEASE, SCHEDULE, Attempt
from domain.errors import NotFound
from tests.posted import Post, failing, post

__all__ = ["post"]


def test_an_occurrence_is_told_once_to_everybody_who_asked(post: Post) -> None:
    every, paid, other = post.listen(), post.listen("invoice.paid"), post.listen("invoice.issued")
    assert [post.tell(1), post.tell(1), post.tell(2)] == [1, 0, 1]
    assert post.work() == [1, 1, 2, 2]
    assert post.statuses(every) == post.statuses(paid) == ["delivered"] * 2
    assert post.deliveries(other) == []


def test_what_fails_keeps_those_after_it_waiting_and_nobody_else(post: Post) -> None:
    endpoint = post.listen()
    post.sent.answer = failing(1)
    for number, organization in ((1, "acme"), (2, "acme"), (3, "globex")):
        post.tell(number, organization)
    assert sorted(post.work()) == [1, 3]
    first, second, _ = post.deliveries(endpoint)
    assert post.statuses(endpoint) == ["waiting", "waiting", "delivered"]
    assert (first.attempts, first.answer, first.error) == (1, 500, "answered 500")
    assert (first.next_try_at, second.next_try_at) == (post.now + SCHEDULE[0], None)
    post.sent.answer = lambda body: 204
    post.now += SCHEDULE[0] - timedelta(microseconds=1)
    assert post.work() == []
    post.now += timedelta(microseconds=1)
    assert post.work() == [1, 2]


def test_it_is_tried_by_the_schedule_and_then_given_up_for_the_next(post: Post) -> None:
    endpoint = post.listen()
    post.sent.answer = failing(1, status="no answer: ConnectionRefusedError")
    post.tell(1)
    post.tell(2)
    waited = []
    for pause in SCHEDULE:
        assert post.work() == [1]
        waited.append(post.deliveries(endpoint)[0].next_try_at == post.now + pause)
        post.now += pause
    assert waited == [True] * len(SCHEDULE)
    assert post.work() == [1, 2]
    first, second = post.deliveries(endpoint)
    assert (first.status, first.attempts, second.status) == ("given_up", 10, "delivered")
    assert (first.answer, first.error) == (None, "no answer: ConnectionRefusedError")


def test_a_worker_that_dies_after_sending_leaves_it_to_another(post: Post) -> None:
    endpoint = post.listen()

    def killed(body: bytes) -> int:
        raise SystemExit  # between the answer and its mark

    post.sent.answer = killed
    post.tell(1)
    post.tell(2)
    with pytest.raises(SystemExit):
        post.work()
    post.sent.answer = lambda body: 204
    assert post.work() == []
    post.now += LEASE
    assert post.work() == [1, 2]
    (_, first, _), (_, again, _), _ = post.sent.got
    assert first["webhook-id"] == again["webhook-id"]
    assert post.statuses(endpoint) == ["delivered", "delivered"]


def test_a_fault_of_ours_is_an_attempt_like_any_other(post: Post) -> None:
    endpoint = post.listen()

    def broken(body: bytes) -> int:
        raise RuntimeError("nobody thought of this")

    post.sent.answer = broken
    post.tell(1)
    assert post.work() == [1]
    (first,) = post.deliveries(endpoint)
    assert (first.status, first.attempts) == ("waiting", 1)
    assert (first.error, first.next_try_at) == (
        "a fault of ours: RuntimeError",
        post.now + SCHEDULE[0],
    )


def test_whoever_lost_the_line_changes_nothing(post: Post) -> None:
    endpoint = post.listen()
    post.tell(1)
    slow = post.lines.claim(post.now, post.now + LEASE, steady=False)
    assert slow is not None
    post.now += LEASE
    assert post.work() == [1]
    post.tell(2)
    post.sent.answer = failing(2)
    post.work()
    late = Attempt(status="delivered", at=post.now)
    assert not post.lines.finish(slow, late)
    assert post.statuses(endpoint) == ["delivered", "waiting"]


def test_endpoints_that_fail_do_not_take_every_worker(post: Post) -> None:
    post.listen("invoice.paid")
    post.sent.answer = failing(1)
    post.tell(1)
    post.work()
    post.listen("invoice.issued")
    post.now += SCHEDULE[0]
    post.tell(2, kind="invoice.issued")
    assert post.work(steady=True) == [2]
    assert post.work() == [1]


def test_one_that_was_given_up_or_delivered_is_sent_once_more_at_the_end(post: Post) -> None:
    endpoint = post.listen()
    post.tell(1)
    post.work()
    (first,) = post.deliveries(endpoint)
    again = post.endpoints.redeliver(endpoint, first.number)
    assert again.number > first.number
    assert (again.status, again.notice.id) == ("waiting", first.notice.id)
    assert post.work() == [1]
    ids = {headers["webhook-id"] for _, headers, _ in post.sent.got}
    assert ids == {first.notice.id}


def test_one_that_waits_is_tried_at_once_when_somebody_says_so(post: Post) -> None:
    endpoint = post.listen()
    post.sent.answer = failing(1)
    post.tell(1)
    post.work()
    (waiting,) = post.deliveries(endpoint)
    post.sent.answer = lambda body: 204
    assert post.work() == []
    assert post.endpoints.redeliver(endpoint, waiting.number).number == waiting.number
    assert post.work() == [1]
    with pytest.raises(NotFound):
        post.endpoints.redeliver(endpoint, 99)


def test_a_notice_that_joins_while_a_line_is_worked_on_is_not_left_behind(post: Post) -> None:
    post.listen()
    post.tell(1)
    claimed = post.lines.claim(post.now, post.now + LEASE, steady=False)
    assert claimed is not None
    post.tell(2)
    post.lines.finish(claimed, Attempt(status="delivered", at=post.now))
    assert post.work() == [2]


def test_any_number_of_workers_keep_the_order_of_each_organization(post: Post) -> None:
    endpoint = post.listen()
    for number in range(60):
        post.tell(number, organization=f"o{number % 6}")

    def work() -> None:
        while post.delivering.step(lambda: post.now):
            pass

    # One that finds every line taken ends early; whoever has one goes on until all are done.
    with ThreadPoolExecutor(4) as workers:
        for each in [workers.submit(work) for _ in range(4)]:
            each.result()
    came: dict[str, list[int]] = {}
    for _, _, body in post.sent.got:
        said = json.loads(body)
        came.setdefault(said["organization"], []).append(said["data"]["amount"])
    assert came == {f"o{n}": list(range(n, 60, 6)) for n in range(6)}
    assert set(post.statuses(endpoint)) == {"delivered"}
