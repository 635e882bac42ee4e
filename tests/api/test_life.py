"""The whole life of an invoice over HTTP: swaps, discounts, holds, issue, late facts, notes."""

from typing import Any

import pytest

from api.wiring import Wired
from tests.api.conftest import CYCLE, START, Caller, day
from tests.api.test_usage import record

ORGANIZATION = "/v1/organizations/acme"
A1 = f"{ORGANIZATION}/attachments/a1"
INVOICE = f"/v1/invoices/{CYCLE}"
USAGE = "usage/a1/cpu@1"


def done(answer: Any, status: int = 200) -> Any:
    """A successful answer's content."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.get_json()


def amounts(admin: Caller, path: str = INVOICE) -> dict[str, int]:
    lines = done(admin("GET", path))["lines"]
    return {line["key"]: line["amount"] for line in lines}


@pytest.fixture
def used(admin: Caller, acme: str) -> str:
    """Two records, 100 hours at 2.50 each: 250 minor units a record."""
    records = [record(key, value="100") for key in ("k1", "k2")]
    assert done(admin("POST", "/v1/usage", records))["accepted"] == 2
    return CYCLE


@pytest.fixture
def large(admin: Caller, acme: str) -> str:
    """A dearer service with a monthly fee."""
    fee = {"price": "large", "currency": "usd", "kind": "recurring", "model": "flat"}
    done(admin("POST", "/v1/prices", fee | {"amount": "3000", "proration": "none"}))
    done(admin("PUT", "/v1/services/large", {"name": "Large", "prices": ["large", "cpu"]}))
    return "large"


@pytest.fixture
def issued(admin: Caller, used: str) -> str:
    """The invoice of the first five days, issued at Stripe."""
    policies = {"grace_s": 0, "minimum_invoice": 0}
    details = {"name": "Acme", "currency": "usd", "anchor_day": START.day, "policies": policies}
    done(admin("PUT", ORGANIZATION, details))
    end = {"at": day(5), "reason": "the customer asked for it"}
    assert done(admin("POST", f"{ORGANIZATION}/bill-now", end))["cycle"] == CYCLE
    invoice = done(admin("POST", f"{INVOICE}/finalize"))
    assert (invoice["status"], invoice["total"]) == ("issued", 500)
    return CYCLE


def accruing(admin: Caller) -> dict[str, int]:
    return amounts(admin, f"{ORGANIZATION}/invoices/current")


def test_a_preview_shows_what_a_swap_would_do_and_stores_nothing(
    admin: Caller, used: str, large: str
) -> None:
    body = {"service": large, "at": day(3)}
    before = amounts(admin)
    shown = done(admin("POST", f"{A1}/swap?preview=true", body))["invoices"]
    assert amounts(admin) == before
    assert [(each["cycle"], each["becomes"] - each["was"]) for each in shown] == [(CYCLE, 3000)]
    assert [(line["key"], line["was"], line["becomes"]) for line in shown[0]["lines"]] == [
        ("fee/a1/large@1", 0, 3000)
    ]
    assert done(admin("POST", f"{A1}/swap", body))["effect"] == "recorded"
    assert done(admin("POST", f"{A1}/swap", body))["effect"] == "nothing"
    assert amounts(admin) == before | {"fee/a1/large@1": 3000}


def test_a_preview_leaves_its_idempotency_key_free(admin: Caller, acme: str, large: str) -> None:
    headers = {"Idempotency-Key": "s1"}
    body = {"service": large, "at": day(3)}
    done(admin("POST", f"{A1}/swap?preview=true", body, headers=headers))
    assert done(admin("POST", f"{A1}/swap", body, headers=headers))["effect"] == "recorded"


def test_a_trial_defers_fees_until_it_ends(admin: Caller, acme: str, large: str) -> None:
    fee = {"price": "base", "currency": "usd", "kind": "recurring", "model": "flat"}
    done(admin("POST", "/v1/prices", fee | {"amount": "3000"}))
    done(admin("PUT", "/v1/services/base", {"name": "Base", "prices": ["base"]}))
    trial = {"attachment": "t1", "service": "base", "at": day(1), "trial_until": day(9)}
    done(admin("POST", f"{ORGANIZATION}/attachments", trial))
    deferred = amounts(admin)["fee/t1/base@1"]
    listed = done(admin("GET", f"{ORGANIZATION}/attachments"))["data"]
    assert [each["trial_until"] for each in listed] == [None, day(9)]
    done(admin("POST", f"{ORGANIZATION}/attachments/t1/end-trial", {"at": day(5)}))
    assert amounts(admin)["fee/t1/base@1"] > deferred


def test_a_discount_comes_off_until_it_is_ended(admin: Caller, used: str) -> None:
    path = f"{ORGANIZATION}/discounts"
    discount = {"discount": "d1", "percent": "10", "prices": ["cpu"], "reason": "loyal"}
    preview = done(admin("POST", f"{path}?preview=true", discount))
    assert preview["invoices"][0]["lines"][0]["becomes"] == -50
    done(admin("POST", path, discount))
    assert amounts(admin)["discount/d1"] == -50
    explained = done(admin("GET", f"{INVOICE}/lines/{USAGE.replace('/', '%2F')}/explain"))
    assert [(each["kind"], each["amount"], each["line"]) for each in explained["steps"]] == [
        ("tally", None, None),
        ("proration", None, None),
        ("charge", "500", None),
        ("discount", "-50", "discount/d1"),
        ("unrounded", "500", None),
        ("rounding", "0", None),
    ]
    done(admin("POST", f"{path}/d1/end", {"reason": "moved away"}))
    assert "discount/d1" not in amounts(admin)
    both = discount | {"amount": 5}
    refused = admin("POST", path, both)
    assert (refused.status_code, refused.get_json()["errors"][0]["field"]) == (422, "percent")


def test_a_line_is_waived_or_set(admin: Caller, used: str) -> None:
    waived = done(admin("POST", f"{INVOICE}/waive", {"line": USAGE, "reason": "our loop"}))
    assert waived["effect"] == "recorded"
    assert amounts(admin)[f"waive/{USAGE}"] == -500
    done(admin("POST", "/v1/usage", [record("k3", value="100")]))
    body = {"line": USAGE, "amount": 100, "reason": "as offered"}
    done(admin("POST", f"{INVOICE}/override", body))
    assert sum(amounts(admin).values()) == 100
    early = admin("POST", f"{INVOICE}/override", body | {"final": True})
    assert early.status_code == 409
    nothing = {"line": "usage/none", "reason": "x"}
    assert admin("POST", f"{INVOICE}/waive", nothing).status_code == 404


def test_a_hold_has_an_owner_and_a_time_to_look_again(admin: Caller, used: str) -> None:
    hold = {"reason": "disputed", "owner": "ada", "review_at": day(20)}
    done(admin("POST", f"{INVOICE}/hold", hold))
    shown = done(admin("GET", INVOICE))
    assert shown["held"] == "disputed"
    assert {name: shown["hold"][name] for name in hold} == hold


def test_an_invoice_waits_for_approval_of_this_very_amount(admin: Caller, used: str) -> None:
    policies = {"grace_s": 0, "approval": "above", "approval_amount": 400, "minimum_invoice": 0}
    details = {"name": "Acme", "currency": "usd", "anchor_day": START.day, "policies": policies}
    assert done(admin("PUT", ORGANIZATION, details))["policies"]["approval_amount"] == 400
    done(admin("POST", f"{ORGANIZATION}/bill-now", {"at": day(5), "reason": "asked for"}))
    refused = admin("POST", f"{INVOICE}/finalize")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "approval_required")
    assert [each["cycle"] for each in refused.get_json()["waiting"]] == [CYCLE]
    asked = done(admin("GET", INVOICE))
    assert (asked["approval"]["subtotal"], asked["approved"]) == (500, False)
    done(admin("POST", f"{INVOICE}/approve", {"reason": "as agreed"}))
    assert done(admin("GET", INVOICE))["approved"] is True
    assert done(admin("POST", f"{INVOICE}/finalize"))["status"] == "issued"


def test_late_usage_is_counted_told_and_billed_on_the_next_invoice(
    admin: Caller, issued: str
) -> None:
    answer = done(admin("POST", "/v1/usage", [record("late", value="10")]))
    assert (answer["accepted"], answer["late"]) == (1, 1)
    shown = done(admin("GET", INVOICE))
    assert shown["total"] == 500
    assert [(each["line"], each["amount"], each["known"]) for each in shown["late"]] == [
        (USAGE, 25, 525)
    ]
    running = done(admin("GET", f"{ORGANIZATION}/invoices/current"))
    late = next(line for line in running["lines"] if line["kind"] == "late")
    assert (late["amount"], late["corrects"]) == (25, f"{CYCLE}/{USAGE}")
    path = f"/v1/invoices/{running['cycle']}/lines/{late['key'].replace('/', '%2F')}/explain"
    explained = done(admin("GET", path))
    told = [(step["what"], step["amount"]) for step in explained["steps"] if step["amount"]]
    assert told[:2] == [("with everything known now", "525"), ("as it was settled", "-500")]
    assert explained["records"] == 3


def test_corrections_are_tried_carried_out_and_reverted_item_by_item(
    admin: Caller, issued: str
) -> None:
    path = "/v1/usage/corrections"
    items = [
        {"action": "retract", "source": "fra-7", "id": "k1", "reason": "sent twice"},
        {"action": "retract", "source": "fra-7", "id": "never", "reason": "x"},
        {"action": "correct", "source": "fra-7", "id": "k2", "reason": "x"},
        {"action": "correct", "source": "fra-7", "id": "k2", "value": "40", "reason": "x"},
    ]
    tried = done(admin("POST", f"{path}?dry_run=true", items))
    outcomes = [(each["outcome"], each["code"]) for each in tried["items"]]
    assert outcomes == [
        ("previewed", None),
        ("refused", "not_found"),
        ("refused", "invalid_input"),
        ("previewed", None),
    ]
    deltas = [
        [line["becomes"] for each in item["invoices"] for line in each["lines"]]
        for item in tried["items"]
    ]
    assert deltas == [[-250], [], [], [-150]]
    assert done(admin("GET", INVOICE))["late"] == []

    report = done(admin("POST", path, items))
    assert (report["recorded"], report["refused"]) == (2, 2)
    assert done(admin("POST", path, items))["nothing"] == 2
    assert [each["amount"] for each in done(admin("GET", INVOICE))["late"]] == [-400]
    undo = [
        {"action": "revert", "source": "fra-7", "id": each, "reason": "it was right"}
        for each in ("k1", "k2")
    ]
    assert done(admin("POST", path, undo))["recorded"] == 2
    assert done(admin("GET", INVOICE))["late"] == []


def test_a_credit_note_corrects_an_issued_invoice_once(admin: Caller, issued: str) -> None:
    note = {"note": "n1", "lines": {USAGE: 200}, "reason": "outage", "reduce_due": 200}
    path = f"{INVOICE}/credit-notes"
    assert done(admin("POST", path, note))["effect"] == "recorded"
    assert done(admin("POST", path, note))["effect"] == "nothing"
    shown = done(admin("GET", INVOICE))
    assert (shown["amount_due"], shown["amount_remaining"]) == (500, 300)
    outcomes = shown["outcomes"]
    assert [(each["note"], each["amount"]) for each in outcomes["credit_notes"]] == [("n1", 200)]
    assert done(admin("GET", f"{ORGANIZATION}/balance"))["data"][0]["due"] == 300
    more = admin("POST", path, note | {"note": "n2", "lines": {USAGE: 400}, "reduce_due": 400})
    assert more.status_code == 422


def test_a_late_amount_of_an_adjusted_line_waits_for_a_person(admin: Caller, issued: str) -> None:
    note = {"note": "n1", "lines": {USAGE: 200}, "reason": "outage", "reduce_due": 200}
    done(admin("POST", f"{INVOICE}/credit-notes", note))
    done(admin("POST", "/v1/usage", [record("late", value="10")]))
    shown = done(admin("GET", INVOICE))
    assert (shown["late"], [each["amount"] for each in shown["proposals"]]) == ([], [25])
    decision = {"line": USAGE, "reason": "it was used"}
    assert done(admin("POST", f"{INVOICE}/late/accept", decision))["effect"] == "recorded"
    assert accruing(admin)[f"late/{CYCLE.partition('.')[2]}/{USAGE}"] == 25
    done(admin("POST", f"{INVOICE}/late/write-off", decision))
    assert done(admin("GET", INVOICE))["late"] == []


def test_an_issued_invoice_is_voided_and_issued_anew(admin: Caller, issued: str) -> None:
    body = {"mode": "reissue", "reason": "wrong address"}
    assert done(admin("POST", f"{INVOICE}/void", body))["effect"] == "recorded"
    again = done(admin("POST", f"{INVOICE}/finalize"))
    assert (again["status"], again["revision"], again["total"]) == ("issued", 2, 500)
    done(admin("POST", f"{INVOICE}/uncollectible", {"reason": "insolvent"}))
    assert done(admin("GET", INVOICE))["status"] == "uncollectible"
    odd = admin("POST", f"{INVOICE}/void", {"mode": "maybe", "reason": "x"})
    assert odd.status_code == 422


def test_an_organization_is_closed_and_reopened(admin: Caller, used: str) -> None:
    done(admin("POST", f"{ORGANIZATION}/close", {"at": day(5), "reason": "left"}))
    assert done(admin("GET", f"{ORGANIZATION}/attachments"))["data"][0]["until"] == day(5)
    answer = done(admin("POST", "/v1/usage", [record("after", occurred_at=day(6))]))
    assert answer["items"][0]["code"] == "organization_closed"
    opened = done(admin("POST", f"{ORGANIZATION}/reopen", {"at": day(7), "reason": "back"}))
    assert opened["cycle"] == f"acme.{day(7)[:10]}"


def test_a_price_of_its_own_counts_for_attachments_from_then_on(admin: Caller, used: str) -> None:
    path = f"{ORGANIZATION}/prices/cpu"
    own = {"currency": "usd", "kind": "metered", "meter": "cpu", "model": "per_unit"}
    first = done(admin("PUT", path, own | {"unit_amount": "2", "effective_at": day(1)}))
    assert (first["ref"], first["organization"]) == ("cpu@1.acme", "acme")
    assert [each["ref"] for each in done(admin("GET", f"{ORGANIZATION}/prices"))["data"]] == [
        "cpu@1.acme"
    ]
    done(admin("POST", f"{A1}/swap", {"service": "machine", "at": day(1)}))
    assert amounts(admin) == {"usage/a1/cpu@1.acme": 400}
    assert done(admin("DELETE", path))["effect"] == "recorded"
    assert done(admin("DELETE", path))["effect"] == "nothing"
    assert done(admin("GET", f"{ORGANIZATION}/prices"))["data"] == []
    assert admin("DELETE", f"{ORGANIZATION}/prices/none").status_code == 404


def test_a_retired_price_is_for_nobody_new(admin: Caller, acme: str) -> None:
    retired = done(admin("POST", "/v1/prices/cpu/retire"))
    assert done(admin("POST", "/v1/prices/cpu/retire")) == retired
    body = {"attachment": "a2", "service": "machine"}
    refused = admin("POST", f"{ORGANIZATION}/attachments", body)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "price_retired")


def test_support_adjusts_and_only_admins_take_back(
    caller: Any, admin: Caller, issued: str, wired: Wired
) -> None:
    support = caller("support")
    discount = {"discount": "d1", "percent": "10", "reason": "loyal"}
    done(support("POST", f"{ORGANIZATION}/discounts", discount))
    body = {"mode": "forgive", "reason": "x"}
    assert support("POST", f"{INVOICE}/void", body).status_code == 403
    own = caller("organization", "acme")
    assert own("GET", f"{ORGANIZATION}/balance").status_code == 200
    assert own("POST", f"{ORGANIZATION}/discounts", discount).status_code == 403
