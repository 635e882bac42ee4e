"""Open discrepancies over HTTP: listed over all cycles, and decided one by one."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.sandbox.app import Sandbox
from api.app import create_app
from api.wiring import Wired
from tests.api.conftest import CYCLE, Caller
from tests.api.test_conflicts import edited
from tests.api.test_life import USAGE, amounts, done, issued, used

__all__ = ["edited", "issued", "used"]

ALL = "/v1/discrepancies"


def listed(wired: Wired, by: Caller, query: str = "") -> list[dict[str, Any]]:
    while wired.projector.step():
        pass
    rows: list[dict[str, Any]] = done(by("GET", f"{ALL}{query}"))["data"]
    return rows


def resolve(by: Caller, row: dict[str, Any], how: str) -> Any:
    body = {"how": how, "reason": "agreed with the customer"}
    return by("POST", f"{ALL}/{row['id']}/resolve", body)


def test_an_edited_draft_is_listed_with_what_differs(
    wired: Wired, admin: Caller, edited: None
) -> None:
    (row,) = listed(wired, admin)
    assert (row["cycle"], row["organization"], row["currency"]) == (CYCLE, "acme", "usd")
    assert (row["about"], row["kind"], row["key"]) == (f"amount/{USAGE}", "amount", USAGE)
    assert (row["ours"], row["theirs"], row["cents"]) == ("500", "400", -100)
    (on_the_proof,) = done(admin("GET", f"/v1/invoices/{CYCLE}/proof"))["discrepancies"]
    assert row["about"] == on_the_proof["id"]
    assert len(listed(wired, admin, f"?cycle={CYCLE}&organization=acme&kind=amount")) == 1
    assert listed(wired, admin, "?kind=status") == []
    assert listed(wired, admin, "?organization=globex") == []


@pytest.mark.parametrize(
    ("how", "lines"),
    [
        pytest.param("overwrite", {USAGE: 500}, id="the books are right"),
        pytest.param("adopt", {USAGE: 500, f"edited/{USAGE}": -100}, id="the person is right"),
    ],
)
def test_a_person_decides_and_it_is_over(
    wired: Wired, admin: Caller, edited: None, sandbox: Sandbox, how: str, lines: dict[str, int]
) -> None:
    (row,) = listed(wired, admin)
    proof = done(resolve(admin, row, how))
    assert (proof["discrepancies"], proof["proved_digest"]) == ([], proof["digest"])
    assert amounts(admin) == lines
    assert listed(wired, admin) == []
    assert resolve(admin, row, how).status_code == 404


def test_above_the_limit_a_second_person_is_asked_before_edits_are_taken_over(
    wired: Wired, admin: Caller, edited: None
) -> None:
    (row,) = listed(wired, admin)
    settings = replace(wired.settings, second_person_above=50)
    guarded = create_app(replace(wired, settings=settings)).test_client()
    asking = resolve(Caller(guarded, admin.key), row, "adopt")
    assert (asking.status_code, asking.get_json()["amount"]) == (202, 100)
    assert amounts(admin) == {USAGE: 500}
    assert done(resolve(Caller(guarded, admin.key), row, "overwrite"))["proved_at"]


def test_what_differs_on_an_issued_invoice_is_accepted(
    wired: Wired, admin: Caller, issued: str, sandbox: Sandbox
) -> None:
    (invoice,) = sandbox.world.ledger.every("invoice")
    sandbox.dashboard.act(invoice["id"], "void")
    assert wired.reconciler.audit(CYCLE)
    (row,) = listed(wired, admin)
    assert (row["kind"], row["cents"], row["invoice"]) == ("status", None, invoice["id"])
    assert done(resolve(admin, row, "dismiss"))["discrepancies"] == []
    assert listed(wired, admin) == []


def test_a_draft_is_decided_on_and_not_dismissed(wired: Wired, admin: Caller, edited: None) -> None:
    (row,) = listed(wired, admin)
    refused = resolve(admin, row, "dismiss")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "draft_differs")
    assert resolve(admin, row, "forget").status_code == 422
    assert listed(wired, admin) == [row]


def test_what_is_not_open_is_not_found(admin: Caller, acme: str) -> None:
    assert resolve(admin, {"id": "d1"}, "adopt").status_code == 404
