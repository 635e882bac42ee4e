"""Commands that change something, each after those that it needs."""

from typing import Any, NamedTuple

from tests.api.conftest import CYCLE, day
from tests.api.test_life import A1, INVOICE, ORGANIZATION, USAGE
from tests.api.test_usage import record


class Command(NamedTuple):
    """A request that changes something, and the operation that takes it."""

    op: str
    method: str
    path: str
    body: Any = None


WHY = {"reason": "as agreed"}
PRICE = {"currency": "usd", "kind": "metered", "meter": "cpu", "model": "per_unit"}
DETAILS = {"name": "Acme & Sons", "currency": "usd", "time_zone": "UTC"}
TRIAL = {"attachment": "a2", "service": "machine", "at": day(2), "trial_until": day(9), **WHY}
ITEM = {"item": "i1", "description": "Setup", "amount": 5, "currency": "usd", **WHY}
CREDIT = {"credit": "k1", "amount": 5, "currency": "usd", **WHY}
DISCOUNT = {"discount": "d1", "percent": "10", **WHY}
CORRECTION = [{"action": "retract", "source": "fra-7", "id": "k1", **WHY}]
LATE = {"line": USAGE, **WHY}
CASES, CASE = f"{ORGANIZATION}/cases", "/v1/cases/acme.c1"
SAID = {"text": "We had two machines, not four."}
NOTE = {"note": "n1", "lines": {USAGE: 200}, "reduce_due": 200, **WHY}

ACCRUING = (
    Command("record_usage", "POST", "/v1/usage", [record("k9", value="1")]),
    Command("correct_usage", "POST", "/v1/usage/corrections", CORRECTION),
    Command("put_meter", "PUT", "/v1/meters/disk", {"unit": "GB"}),
    Command("publish_price", "POST", "/v1/prices", PRICE | {"price": "cpu", "unit_amount": "3"}),
    Command("put_service", "PUT", "/v1/services/tiny", {"name": "Tiny", "prices": ["large"]}),
    Command("attach", "POST", f"{ORGANIZATION}/attachments", TRIAL),
    Command("end_trial", "POST", f"{ORGANIZATION}/attachments/a2/end-trial", {"at": day(5), **WHY}),
    Command("change_quantity", "PATCH", A1, {"quantity": "3", "at": day(4), **WHY}),
    Command("swap", "POST", f"{A1}/swap", {"service": "large", "at": day(5), **WHY}),
    Command("detach", "POST", f"{ORGANIZATION}/attachments/a2/detach", {"at": day(8), **WHY}),
    Command("override_price", "PUT", f"{ORGANIZATION}/prices/cpu", PRICE | {"unit_amount": "2"}),
    Command("end_override", "DELETE", f"{ORGANIZATION}/prices/cpu"),
    Command("retire_price", "POST", "/v1/prices/cpu/retire"),
    Command("add_item", "POST", f"{ORGANIZATION}/items", ITEM),
    Command("grant_credit", "POST", f"{ORGANIZATION}/credits", CREDIT),
    Command("grant_discount", "POST", f"{ORGANIZATION}/discounts", DISCOUNT),
    Command("end_discount", "POST", f"{ORGANIZATION}/discounts/d1/end", WHY),
    Command("put_alert", "PUT", f"{ORGANIZATION}/alerts/b1", {"amount": 500}),
    Command("remove_alert", "DELETE", f"{ORGANIZATION}/alerts/b1"),
    Command("waive_line", "POST", f"{INVOICE}/waive", LATE),
    Command("override_amount", "POST", f"{INVOICE}/override", LATE | {"amount": 100}),
    Command("hold_invoice", "POST", f"{INVOICE}/hold", WHY),
    Command("release_invoice", "POST", f"{INVOICE}/release", WHY),
    Command("sync_invoice", "POST", f"{INVOICE}/sync", WHY),
    Command("add_item", "POST", f"{ORGANIZATION}/items", ITEM | {"item": "i2"}),
    Command("sync_by_its_old_name", "POST", f"/sync?invoice={CYCLE}"),
    Command("put_organization", "PUT", ORGANIZATION, DETAILS),
    Command("report_case", "POST", CASES, {"case": "c1", **SAID}),
    Command("acknowledge_case", "POST", f"{CASE}/acknowledge"),
    Command("comment_as_support", "POST", f"{CASE}/comment", {"visibility": "internal", **SAID}),
    Command("comment_publicly", "POST", f"{CASES}/acme.c1/comment", SAID),
    Command("resolve_case", "POST", f"{CASE}/resolve", {"kind": "explained", **SAID}),
    Command("reopen_case", "POST", f"{CASES}/acme.c1/reopen", SAID),
)
"""The life of a cycle until it is issued, in an order in which each changes something."""

ENDING = (
    Command("close_organization", "POST", f"{ORGANIZATION}/close", {"at": day(5), **WHY}),
    Command("reopen_organization", "POST", f"{ORGANIZATION}/reopen", {"at": day(7), **WHY}),
)
"""An organization that leaves and comes back."""

ISSUED = (
    Command("issue_credit_note", "POST", f"{INVOICE}/credit-notes", NOTE),
    Command("record_usage", "POST", "/v1/usage", [record("late", value="10")]),
    Command("accept_late", "POST", f"{INVOICE}/late/accept", LATE),
    Command("write_off_late", "POST", f"{INVOICE}/late/write-off", LATE),
    Command("void_invoice", "POST", f"{INVOICE}/void", {"mode": "reissue", **WHY}),
    Command("finalize_invoice", "POST", f"{INVOICE}/finalize", WHY),
    Command("mark_uncollectible", "POST", f"{INVOICE}/uncollectible", WHY),
    Command("bill_now", "POST", f"{ORGANIZATION}/bill-now", {"at": day(8), **WHY}),
)
"""What people do about an issued invoice."""
