"""What the sandbox does by itself as time passes: drafts advance, subscriptions renew."""

from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.sandbox.app import create_sandbox
from adapters.sandbox.renewals import months_after
from tests.adapters.sandbox_api import made
from tests.adapters.sandbox_drafts import HOUR, advancing, status
from tests.adapters.test_sandbox import AUTH, Api, refusal


@pytest.fixture
def api() -> Api:
    return Api()


# Advancing by itself


def test_a_draft_that_advances_finalizes_an_hour_and_a_second_after_it_was_made(api: Api) -> None:
    draft = advancing(api)
    start = api.now
    assert (draft["automatically_finalizes_at"], draft["next_payment_attempt"]) == (
        start + 3601,
        start + 3600,
    )
    assert draft["webhooks_delivered_at"] == start
    api.now = start + 3600
    assert status(api, draft["id"]) == "draft"
    api.now = start + 3601
    seen = api.get(f"/v1/invoices/{draft['id']}").json
    assert (seen["status"], seen["automatically_finalizes_at"]) == ("paid", None)


def test_switched_off_it_waits_and_switched_on_its_first_times_are_back(api: Api) -> None:
    draft = advancing(api)
    path = f"/v1/invoices/{draft['id']}"
    off = made(api.post(path, {"auto_advance": "false"}))
    assert off["automatically_finalizes_at"] is off["next_payment_attempt"] is None
    api.now += 2 * HOUR
    assert status(api, draft["id"]) == "draft"
    on = made(api.post(path, {"auto_advance": "true"}))
    assert on["automatically_finalizes_at"] == draft["automatically_finalizes_at"]
    api.now += 1
    assert status(api, draft["id"]) == "paid"


def test_an_instant_can_be_set_and_a_deleted_draft_has_no_plan(api: Api) -> None:
    later = advancing(api, automatically_finalizes_at=api.now + 48 * HOUR)["id"]
    gone = advancing(api)["id"]
    assert api.client.delete(f"/v1/invoices/{gone}", headers=AUTH).status_code == 200
    api.now += 47 * HOUR
    assert status(api, later) == "draft"
    api.now += HOUR
    assert status(api, later) == "paid"


def test_with_an_endpoint_the_hour_begins_when_it_has_taken_the_event(api: Api) -> None:
    world = api.app.extensions["sandbox"].world
    world.delivers = True
    told, never = advancing(api)["id"], advancing(api)["id"]
    api.now += 10 * HOUR
    assert status(api, told) == "draft"
    event = next(
        each for each in world.ledger.every("event") if each["data"]["object"]["id"] == told
    )
    for tell in world.at_delivery:
        tell(event)
    assert api.get(f"/v1/invoices/{told}").json["webhooks_delivered_at"] == api.now
    api.now += HOUR
    assert (status(api, told), status(api, never)) == ("paid", "draft")
    api.now += 61 * HOUR
    assert status(api, never) == "paid"


def test_a_plan_outlives_the_process(api: Api) -> None:
    draft = advancing(api)["id"]
    ledger = api.app.extensions["sandbox"].world.ledger
    again = Api(api.now + 2 * HOUR)
    again.app = create_sandbox(ledger, clock=lambda: again.now)
    again.client = again.app.test_client()
    assert status(again, draft) == "paid"


# Subscriptions


def subscribed(api: Api, anchor: int, **form: Any) -> Any:
    product = made(api.post("/v1/products", {"name": "Plan"}))["id"]
    price = {
        "currency": "usd",
        "product": product,
        "unit_amount": 900,
        "recurring][interval": "month",
        "tax_behavior": "exclusive",
    }
    fields = {f"items[0][price_data][{name}]": value for name, value in price.items()}
    fields |= {"billing_cycle_anchor": anchor, "proration_behavior": "none"}
    return made(api.post("/v1/subscriptions", fields | {"customer": api.customer()} | form))


def test_each_renewal_is_a_draft_that_one_can_claim(api: Api) -> None:
    anchor = api.now + 24 * HOUR
    made_one = subscribed(api, anchor, **{"metadata[plan]": "pro"})
    assert api.get("/v1/invoices").json["data"] == []
    api.now = anchor
    (draft,) = api.get(f"/v1/invoices?subscription={made_one['id']}").json["data"]
    assert (draft["status"], draft["auto_advance"], draft["total"]) == ("draft", True, 900)
    assert draft["billing_reason"] == "subscription_cycle"
    assert (draft["period_start"], draft["period_end"]) == (anchor - 24 * HOUR, anchor)
    details = draft["parent"]["subscription_details"]
    assert details == {"metadata": {"plan": "pro"}, "subscription": made_one["id"]}
    (line,) = draft["lines"]["data"]
    assert line["period"] == {"start": anchor, "end": months_after(anchor, 1)}
    own = line["parent"]["subscription_item_details"]
    assert own["subscription_item"] == made_one["items"]["data"][0]["id"]
    path = f"/v1/invoices/{draft['id']}"
    form = {"auto_advance": "false", "metadata[cycle_id]": "c1"}
    assert made(api.post(path, form))["auto_advance"] is False
    more = made(api.post(f"{path}/add_lines", {"lines[0][amount]": 5}))
    assert [each["amount"] for each in more["lines"]["data"]] == [900, 5]
    api.now += 5 * HOUR
    assert status(api, draft["id"]) == "draft"
    assert refusal(api.client.delete(path, headers=AUTH))[0] == 400


def test_an_unclaimed_renewal_is_finalized_and_the_next_one_follows(api: Api) -> None:
    anchor = api.now
    form = {"billing_cycle_anchor": anchor}
    made_one = subscribed(api, anchor, **form)
    (first,) = api.get("/v1/invoices").json["data"]
    assert (first["billing_reason"], first["status"]) == ("subscription_create", "open")
    sandbox = api.app.extensions["sandbox"]
    sandbox.world.advance(months_after(anchor, 2) + 2 * HOUR - anchor)
    listed = api.get(f"/v1/invoices?subscription={made_one['id']}").json["data"]
    assert [each["status"] for each in listed] == ["open"] * 3
    assert [each["period_end"] for each in listed][:2] == [
        months_after(anchor, 2),
        months_after(anchor, 1),
    ]
    assert api.client.delete(f"/v1/subscriptions/{made_one['id']}", headers=AUTH).status_code == 200
    sandbox.world.advance(40 * 24 * HOUR)
    assert len(api.get("/v1/invoices").json["data"]) == 3


@pytest.mark.parametrize(
    ("taxed", "total"),
    [
        pytest.param({}, 850, id="comes along"),
        pytest.param({"automatic_tax[enabled]": "true"}, 900, id="waits where tax forbids it"),
    ],
)
def test_what_is_pending_joins_the_renewal(api: Api, taxed: dict[str, str], total: int) -> None:
    anchor = api.now + HOUR
    made_one = subscribed(api, anchor, **taxed)
    made(api.post("/v1/invoiceitems", {"customer": made_one["customer"], "amount": -50}))
    api.now = anchor
    (draft,) = api.get("/v1/invoices").json["data"]
    assert draft["total"] == total


def test_a_subscription_ends_with_its_period_or_its_customer(api: Api) -> None:
    anchor = api.now + HOUR
    ending = subscribed(api, anchor, cancel_at_period_end="true")
    orphan = subscribed(api, anchor)
    api.client.delete(f"/v1/customers/{orphan['customer']}", headers=AUTH)
    api.now = anchor
    assert api.get("/v1/subscriptions").json["data"] == []
    ended = api.get("/v1/subscriptions?status=all").json["data"]
    assert [each["status"] for each in ended] == ["canceled", "canceled"]
    assert api.get(f"/v1/subscriptions/{ending['id']}").json["ended_at"] == anchor
    assert api.get("/v1/invoices").json["data"] == []


@pytest.mark.parametrize(
    ("form", "message"),
    [
        pytest.param({"proration_behavior": "create_prorations"}, "does not prorate", id="prorate"),
        pytest.param(
            {"items[0][price_data][recurring][interval]": "week"}, "one month only", id="weeks"
        ),
        pytest.param(
            {
                "automatic_tax[enabled]": "true",
                "items[0][price_data][tax_behavior]": "unspecified",
            },
            "must be specified",
            id="no tax behavior",
        ),
    ],
)
def test_what_the_sandbox_does_not_do_is_refused(
    api: Api, form: dict[str, str], message: str
) -> None:
    with pytest.raises(AssertionError, match=message):
        subscribed(api, api.now + HOUR, **form)


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        pytest.param((2026, 1, 31), 1, (2026, 2, 28), id="the month's last day"),
        pytest.param((2026, 1, 31), 2, (2026, 3, 31), id="and back on the 31st"),
        pytest.param((2026, 12, 5), 1, (2027, 1, 5), id="over the year's end"),
    ],
)
def test_months_keep_the_anchors_day(
    day: tuple[int, int, int], months: int, expected: tuple[int, int, int]
) -> None:
    anchor = int(datetime(*day, 8, tzinfo=UTC).timestamp())
    assert months_after(anchor, months) == int(datetime(*expected, 8, tzinfo=UTC).timestamp())
