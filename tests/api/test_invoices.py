"""Invoices over HTTP: live, past, explained, synced and proved."""

from typing import Any

import pytest

from domain.events.stripe_invoice import Discrepancy
from tests.api.conftest import CYCLE, Caller, day
from tests.api.test_usage import record


@pytest.fixture
def used(admin: Caller, acme: str) -> str:
    answer = admin("POST", "/v1/usage", [record("k1"), record("k2", value="2.5")]).get_json()
    assert answer["accepted"] == 2
    return CYCLE


def test_an_unchanged_invoice_keeps_its_etag_and_a_changed_one_does_not(
    admin: Caller, used: str
) -> None:
    path = "/v1/organizations/acme/invoices/current"
    first = admin("GET", path)
    tag = first.headers["ETag"]
    again = admin("GET", path, headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    admin("POST", "/v1/usage", [record("k3")])
    assert admin("GET", path, headers={"If-None-Match": tag}).status_code == 200


def test_a_line_is_explained_from_usage_to_cents(admin: Caller, used: str) -> None:
    key = admin("GET", f"/v1/invoices/{used}").get_json()["lines"][0]["key"]
    path = f"/v1/invoices/{used}/lines/{key}/explain"
    page = admin("GET", f"{path}?limit=1").get_json()
    assert (page["records"], page["usage"][0]["id"], page["line"]["amount"]) == (2, "k1", 38)
    rest = admin("GET", f"{path}?limit=1&cursor={page['next_cursor']}").get_json()
    assert rest["usage"][0]["id"] == "k2"
    assert admin("GET", f"/v1/invoices/{used}/lines/nothing/explain").status_code == 404
    odd = admin("GET", f"{path}?cursor=odd").get_json()
    assert [each["field"] for each in odd["errors"]] == ["cursor"]


def test_the_history_is_told_page_by_page(admin: Caller, used: str) -> None:
    told: list[str] = []
    cursor: str | None = "0"
    while cursor is not None:
        path = f"/v1/invoices/{used}/history?limit=2&cursor={cursor}"
        page = admin("GET", path).get_json()
        told += [entry["what"] for entry in page["data"]]
        cursor = page["next_cursor"]
    assert len(told) == 3
    assert f"{CYCLE} opened" in told[0]


def test_a_sync_is_planned_carried_out_and_proved(admin: Caller, used: str) -> None:
    pending = admin("GET", f"/v1/invoices/{used}/change-set").get_json()
    assert [(each["op"], each["was"], each["becomes"]) for each in pending["changes"]] == [
        ("create", None, 38)
    ]
    synced = admin("POST", f"/v1/invoices/{used}/sync", {}).get_json()
    assert synced["discrepancies"] == [], synced
    assert admin("GET", f"/v1/invoices/{used}/change-set").get_json()["changes"] == []
    proof = admin("GET", f"/v1/invoices/{used}/proof").get_json()
    assert proof["digest"] == proof["proved_digest"]
    assert proof["proved_at"] == synced["proved_at"]
    invoice = admin("GET", f"/v1/invoices/{used}").get_json()
    assert invoice["stripe"]["state"] == "in_step"


def test_what_differs_at_stripe_since_is_no_longer_proved(
    admin: Caller, used: str, wired: Any
) -> None:
    invoice = admin("POST", f"/v1/invoices/{used}/sync", {}).get_json()["invoice"]
    state, version = wired.stripe_stream.load(used)
    edit = Discrepancy(kind="foreign_line", key="il_x", ours="", theirs="777")
    found = state.judged((edit,), invoice, "")
    wired.stripe_stream.append(used, version, found, "audit")
    proof = admin("GET", f"/v1/invoices/{used}/proof").get_json()
    assert (proof["invoice"], proof["proved_digest"], proof["proved_at"]) == (invoice, None, None)
    assert [each["kind"] for each in proof["discrepancies"]] == ["foreign_line"]


def test_a_second_hold_for_another_reason_is_refused(admin: Caller, acme: str) -> None:
    path = f"/v1/invoices/{CYCLE}/hold"
    for _ in range(2):
        assert admin("POST", path, {"reason": "disputed"}).status_code == 200
    refused = admin("POST", path, {"reason": "looks odd"})
    assert refused.status_code == 409
    assert refused.get_json()["detail"] == f"{CYCLE} is held already: disputed"


def test_a_hold_shows_on_the_invoice_until_it_is_released(admin: Caller, acme: str) -> None:
    assert admin("POST", f"/v1/invoices/{CYCLE}/hold", {"reason": "disputed"}).status_code == 200
    assert admin("GET", f"/v1/invoices/{CYCLE}").get_json()["held"] == "disputed"
    admin("POST", f"/v1/invoices/{CYCLE}/release", {"reason": "agreed"})
    assert admin("GET", f"/v1/invoices/{CYCLE}").get_json()["held"] is None


def test_the_list_holds_every_invoice_newest_first(admin: Caller, acme: str, wired: Any) -> None:
    while wired.projector.step():
        pass
    page = admin("GET", "/v1/organizations/acme/invoices").get_json()
    assert [(row["cycle"], row["status"]) for row in page["data"]] == [(CYCLE, "accruing")]


def test_the_past_is_as_it_was(admin: Caller, used: str) -> None:
    path = "/v1/organizations/acme/invoices/current"
    before = admin("GET", f"{path}?as_of={day(2)}").get_json()
    assert (before["total"], before["as_of"]) == (0, day(2))
    future = admin("GET", f"{path}?known_at=2999-01-01T00:00:00Z")
    assert (future.status_code, future.get_json()["errors"][0]["field"]) == (422, "known_at")


ITEM = {"item": "i1", "description": "Set-up", "amount": 500, "currency": "usd", "reason": "agreed"}


def test_a_repeated_request_with_its_key_gets_the_same_answer(admin: Caller, acme: str) -> None:
    path, headers = "/v1/organizations/acme/items", {"Idempotency-Key": "k1"}
    first = admin("POST", path, ITEM, headers=headers)
    again = admin("POST", path, ITEM, headers=headers)
    assert (first.status_code, again.data) == (200, first.data)
    assert again.headers["Idempotent-Replayed"] == "true"
    other = admin("POST", path, ITEM | {"amount": 600}, headers=headers)
    assert (other.status_code, other.get_json()["code"]) == (422, "idempotency_key_reused")


def test_a_refused_request_leaves_its_key_free(admin: Caller, acme: str) -> None:
    path, headers = "/v1/organizations/acme/items", {"Idempotency-Key": "k2"}
    refused = admin("POST", path, ITEM | {"currency": "eur"}, headers=headers)
    assert 400 <= refused.status_code < 500
    assert admin("POST", path, ITEM, headers=headers).status_code == 200


def test_items_and_credits_come_together_on_the_invoice(admin: Caller, acme: str) -> None:
    admin("POST", "/v1/organizations/acme/items", ITEM)
    grant = {"credit": "c1", "amount": 200, "currency": "usd", "reason": "outage"}
    assert admin("POST", "/v1/organizations/acme/credits", grant).status_code == 200
    invoice = admin("GET", "/v1/organizations/acme/invoices/current").get_json()
    amounts = {line["key"]: line["amount"] for line in invoice["lines"]}
    assert (amounts["item/i1"], amounts["credit/c1"], invoice["total"]) == (500, -200, 300)
    left = admin("GET", "/v1/organizations/acme/credits").get_json()["data"]
    assert [each["credit"] for each in left] == ["c1"]


def test_attachments_are_changed_and_listed(admin: Caller, acme: str) -> None:
    path = "/v1/organizations/acme/attachments"
    changed = admin("PATCH", f"{path}/a1", {"quantity": "3", "at": day(3)})
    assert changed.get_json()["effect"] == "recorded"
    assert admin("POST", f"{path}/a1/detach", {"at": day(5)}).status_code == 200
    listed = admin("GET", path).get_json()["data"][0]
    assert (listed["quantity"], listed["until"]) == ("3", day(5))
    unknown = admin("POST", path, {"attachment": "a2", "service": "nothing"})
    assert (unknown.status_code, unknown.get_json()["errors"][0]["field"]) == (422, "service")


def test_a_cycle_is_finalized_once_its_grace_is_over_and_not_before(admin: Caller) -> None:
    early = {"name": "Early", "currency": "usd", "starts_at": "2026-09-01T00:00:00Z"}
    assert admin("PUT", "/v1/organizations/early", early).status_code == 201
    item = ITEM | {"at": "2026-09-10T00:00:00Z"}
    assert admin("POST", "/v1/organizations/early/items", item).status_code == 200
    path = "/v1/invoices/early.2026-09-01"
    admin("POST", f"{path}/hold", {"reason": "disputed"})
    held = admin("POST", f"{path}/finalize")
    assert (held.status_code, held.get_json()["code"]) == (409, "cycle_held")
    admin("POST", f"{path}/release", {"reason": "agreed"})
    issued = admin("POST", f"{path}/finalize").get_json()
    assert (issued["status"], issued["total"], bool(issued["number"])) == ("issued", 500, True)
    assert admin("POST", f"{path}/finalize").get_json()["number"] == issued["number"]
    running = admin("GET", "/v1/organizations/early/invoices/current").get_json()["cycle"]
    refused = admin("POST", f"/v1/invoices/{running}/finalize")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "cycle_not_closed")
