"""Webhooks on their way: in order, again after a failure, given up at last, and never lost."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from adapters.notify.http import HttpSender
from adapters.postgres.database import Database
from adapters.postgres.notices import PostgresNotices, announce
from adapters.postgres.webhook_endpoints import PostgresEndpoints
from adapters.postgres.webhook_lines import PostgresLines
from application.delivering import LEASE, SCHEDULE, Attempt, Delivering
from application.endpoints import ENDPOINTS_MAX, Delivery, Endpoints
from application.notices import Notice
from domain.errors import NotFound, RuleViolation
from tests.receiver import Sent, receiving

URL = "https://erp.example/hook"
ORIGIN = "https://billing.example"


class Post:
    """Notices, endpoints and lines over a database, with a clock of their own."""

    def __init__(self, database: Database) -> None:
        self.now = datetime.now(UTC) + timedelta(seconds=1)
        self.sent = Sent()
        self.lines = PostgresLines(database)
        self.notices = PostgresNotices(database, mails=False)
        self.store = PostgresEndpoints(database)
        self.endpoints = Endpoints(self.store, lambda url: None)
        self.delivering = Delivering(self.lines, self.sent, ORIGIN)

    def listen(self, *kinds: str) -> str:
        return self.endpoints.create(URL, kinds or None, actor="test").id

    def tell(self, number: int, organization: str = "acme", kind: str = "invoice.paid") -> int:
        return self.notices.announce([paid(number, organization, kind, at=self.now)])

    def work(self, *, steady: bool = False) -> list[int]:
        """The amounts of what was tried, in order, until nothing is due."""
        before = len(self.sent.got)
        while self.delivering.step(lambda: self.now, steady=steady):
            pass
        return [json.loads(body)["data"]["amount"] for _, _, body in self.sent.got[before:]]

    def deliveries(self, endpoint: str) -> list[Delivery]:
        """Oldest first."""
        return list(reversed(self.endpoints.deliveries(endpoint)))

    def statuses(self, endpoint: str) -> list[str]:
        return [each.status for each in self.deliveries(endpoint)]


def paid(
    number: int, organization: str = "acme", kind: str = "invoice.paid", *, at: datetime
) -> Notice:
    return Notice(
        kind=kind,
        organization=organization,
        occurrence=f"{kind}/{organization}/{number}",
        at=at,
        cycle=f"{organization}.2026-01-01",
        data={"amount": number},
    )


@pytest.fixture
def post(each_database_url: str) -> Iterator[Post]:
    database = Database(each_database_url)
    yield Post(database)
    database.close()


def failing(*amounts: int, status: int | str = 500):
    """Answers that fail for some notices."""
    return lambda body: status if json.loads(body)["data"].get("amount") in amounts else 204


def test_an_occurrence_is_told_once_to_everybody_who_asked(post: Post) -> None:
    every, paid, other = post.listen(), post.listen("invoice.paid"), post.listen("invoice.issued")
    assert [post.tell(1), post.tell(1), post.tell(2)] == [1, 0, 1]
    assert post.work() == [1, 1, 2, 2]
    assert post.statuses(every) == post.statuses(paid) == ["delivered"] * 2
    assert post.deliveries(other) == []


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
