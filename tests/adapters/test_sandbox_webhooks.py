"""The sandbox's webhooks and list of events: signed, repeated, delayed, lost, found again."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from adapters.sandbox.webhooks import Deliveries
from adapters.stripe.webhooks import read_webhook
from tests.adapters.test_sandbox import Api, refusal
from tests.endpoint import Endpoint, listening

SECRET = "whsec_test"
HOUR, DAY = 3600, 86_400


class Post:
    """A sandbox that owes webhooks, and an endpoint they go to."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.api = Api(delivers=True)
        self.endpoint = endpoint
        self.deliveries = Deliveries(self.api.sandbox.world, endpoint.url, SECRET)

    def customers(self, count: int) -> list[str]:
        return [self.api.post("/v1/customers", {"name": str(n)}).json["id"] for n in range(count)]

    def deliver(self) -> None:
        while self.deliveries.deliver_due():
            pass

    @property
    def names(self) -> list[str]:
        """What came, by the names of the customers that it is about."""
        return [json.loads(each.body)["data"]["object"]["name"] for each in self.endpoint.came]

    @property
    def owed(self) -> int:
        return len(self.api.client.get("/_sandbox/webhooks").json["data"])


@pytest.fixture
def post() -> Iterator[Post]:
    with listening() as endpoint:
        yield Post(endpoint)


def instant(signature: str) -> int:
    return int(signature.split(",")[0].removeprefix("t="))


def test_they_are_signed_and_sent_until_they_are_taken(post: Post) -> None:
    post.customers(1)
    post.endpoint.answers.extend([503, 302])
    for _ in range(3):
        post.deliver()
        post.api.now += 3
    refused, redirected, taken = post.endpoint.came
    assert [refused.answer, redirected.answer, taken.answer] == [503, 302, 200]
    event = read_webhook(
        taken.body, taken.signature, [SECRET], datetime.fromtimestamp(post.api.now, UTC)
    )
    assert event.type == "customer.created"
    assert refused.body == taken.body
    assert instant(taken.signature) == instant(refused.signature) + 6
    assert post.owed == 0


def test_they_are_tried_ever_more_rarely_for_three_days(post: Post) -> None:
    post.customers(1)
    post.endpoint.answers.extend([500] * 1000)
    begun, tries = post.api.now, []
    for _ in range(4 * 24 * 60):
        seen = len(post.endpoint.came)
        post.deliver()
        if len(post.endpoint.came) > seen:
            tries.append(post.api.now - begun)
        post.api.now += 60
    waits = [after - before for before, after in pairwise(tries)]
    assert waits == sorted(waits) and waits[-1] == HOUR
    assert 3 * DAY - 2 * HOUR < tries[-1] <= 3 * DAY
    assert post.owed == 0


def test_what_is_due_follows_the_sandboxs_clock_and_the_signature_the_real_one(post: Post) -> None:
    post.customers(1)
    post.endpoint.answers.append(500)
    post.deliver()
    post.api.switch("clock", advance_s=DAY)
    post.deliver()
    assert [instant(each.signature) for each in post.endpoint.came] == [post.api.now] * 2


def test_several_secrets_sign_while_one_is_replaced(post: Post) -> None:
    post.api.switch("webhooks/secrets", more=["whsec_new"])
    post.customers(1)
    post.deliver()
    (came,) = post.endpoint.came
    now = datetime.fromtimestamp(post.api.now, UTC)
    assert came.signature.count("v1=") == 2
    for secret in (SECRET, "whsec_new"):
        assert read_webhook(came.body, came.signature, [secret], now).type == "customer.created"


def test_an_event_names_the_request_it_came_from(post: Post) -> None:
    made = post.api.post("/v1/customers", **{"Idempotency-Key": "k1"})
    (event,) = post.api.get("/v1/events").json["data"]
    assert event["request"] == {"id": made.headers["Request-Id"], "idempotency_key": "k1"}
    assert event["data"]["object"] == made.json


# Chaos


def test_copies_come_beside_each_delivery(post: Post) -> None:
    post.api.switch("chaos", copies=4)
    post.customers(2)
    post.deliver()
    assert post.names == ["0"] * 5 + ["1"] * 5
    ids = {json.loads(each.body)["id"] for each in post.endpoint.came}
    assert len(ids) == 2


def test_delays_of_days_bring_disorder_and_the_same_one_for_the_same_seed() -> None:
    def order(seed: int) -> list[str]:
        with listening() as endpoint:
            post = Post(endpoint)
            post.api.switch("chaos", seed=seed, delay_up_to_s=3 * DAY)
            post.customers(10)
            post.deliver()
            assert post.names == []
            for _ in range(3 * 24):
                post.api.now += HOUR
                post.deliver()
            return post.names

    assert order(1) == order(1) != order(2)
    assert order(1) != sorted(order(1)) == [str(n) for n in range(10)]


def test_what_is_due_can_be_shuffled(post: Post) -> None:
    post.api.switch("chaos", shuffled=True, seed=3)
    post.customers(10)
    post.deliver()
    assert post.names != sorted(post.names) == [str(n) for n in range(10)]


def test_a_lost_event_is_listed_as_undelivered_and_never_sent(post: Post) -> None:
    post.api.switch("chaos", lost=1)
    post.customers(1)
    post.api.switch("chaos")
    post.customers(1)
    post.deliver()
    post.api.now += 4 * DAY
    post.deliver()
    assert len(post.endpoint.came) == 1
    (lost,) = post.api.get("/v1/events?delivery_success=false").json["data"]
    (taken,) = post.api.get("/v1/events?delivery_success=true").json["data"]
    assert lost["pending_webhooks"] == 1
    assert taken["id"] == json.loads(post.endpoint.came[0].body)["id"]


def test_an_event_that_was_never_made_is_not_even_listed(post: Post) -> None:
    post.api.switch("chaos", unmade=1)
    post.customers(1)
    post.deliver()
    assert (post.endpoint.came, post.api.get("/v1/events").json["data"]) == ([], [])


def test_a_stale_event_says_what_the_one_before_it_said(post: Post) -> None:
    (customer,) = post.customers(1)
    post.api.switch("chaos", stale=1)
    post.api.post(f"/v1/customers/{customer}", {"name": "new"})
    post.deliver()
    assert post.names == ["0", "0"]
    assert json.loads(post.endpoint.came[1].body)["type"] == "customer.updated"
    assert post.api.get(f"/v1/customers/{customer}").json["name"] == "new"


def test_an_event_can_be_sent_again_days_later(post: Post) -> None:
    post.customers(1)
    post.deliver()
    post.api.now += 10 * DAY
    (event,) = post.api.get("/v1/events").json["data"]
    post.api.switch(f"events/{event['id']}/resend")
    post.deliver()
    assert post.names == ["0", "0"]


@pytest.mark.parametrize("asked", [{"lost": 2}, {"copies": -1}, {"colour": "red"}])
def test_impossible_chaos_is_refused(post: Post, asked: dict[str, object]) -> None:
    assert post.api.client.post("/_sandbox/chaos", json=asked).status_code == 400


def test_somebody_can_wait_for_a_delivery(post: Post) -> None:
    told: list[str] = []
    post.api.sandbox.world.at_delivery.append(lambda event: told.append(event["type"]))
    post.customers(1)
    assert told == []
    post.deliver()
    assert told == ["customer.created"]


# The list


def test_events_are_listed_by_type_or_types(post: Post) -> None:
    api = post.api
    invoice = api.draft(5)
    api.post(f"/v1/invoices/{invoice}/finalize")

    def types(query: str) -> list[str]:
        return [event["type"] for event in api.get(f"/v1/events?{query}").json["data"]]

    assert types("type=invoice.created") == ["invoice.created"]
    assert types("types[]=invoice.finalized&types[]=customer.created") == [
        "invoice.finalized",
        "customer.created",
    ]
    assert types("type=invoice.*") == ["invoice.finalized", "invoice.updated", "invoice.created"]
    assert refusal(api.get("/v1/events?type=a&types[]=b"))[0] == 400


def test_events_are_listed_page_by_page_both_ways(post: Post) -> None:
    post.customers(25)
    first = post.api.get("/v1/events?limit=10").json
    ids = [event["id"] for event in first["data"]]
    second = post.api.get(f"/v1/events?limit=100&starting_after={ids[-1]}").json
    assert (first["has_more"], len(second["data"]), second["has_more"]) == (True, 15, False)
    names = [event["data"]["object"]["name"] for event in [*first["data"], *second["data"]]]
    assert names == [str(n) for n in range(24, -1, -1)]
    cursor = second["data"][0]["id"]
    back = post.api.get(f"/v1/events?limit=4&ending_before={cursor}").json
    assert [event["id"] for event in back["data"]] == ids[-4:]
    assert back["has_more"]
    status, error = refusal(post.api.get("/v1/events?starting_after=evt_x"))
    assert (status, error["code"], error["param"]) == (400, "resource_missing", "starting_after")


def test_events_are_listed_by_their_instant_and_for_thirty_days(post: Post) -> None:
    begun = int(post.api.now)
    for _ in range(4):
        post.customers(1)
        post.api.now += 10 * DAY

    def count(query: str = "") -> int:
        return len(post.api.get(f"/v1/events?{query}").json["data"])

    assert count() == 3
    assert count(f"created={begun + 10 * DAY}") == 1
    assert count(f"created[gt]={begun + 10 * DAY}") == 2
    assert count(f"created[gte]={begun + 10 * DAY}&created[lt]={begun + 30 * DAY}") == 2
    assert count(f"created[lte]={begun}") == 0


def test_an_event_can_be_read_for_thirty_days(post: Post) -> None:
    post.customers(1)
    path = f"/v1/events/{post.api.get('/v1/events').json['data'][0]['id']}"
    post.api.now += 30 * DAY
    assert post.api.get(path).json["type"] == "customer.created"
    post.api.now += 1
    assert post.api.get(path).status_code == 404
