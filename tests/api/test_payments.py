"""The service without Stripe: invoices of the journal's own, paid by transfer."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from api.app import create_app
from api.settings import Settings
from api.wiring import Wired, wire
from tests.api.conftest import CYCLE, Caller, Run, day
from tests.api.test_life import INVOICE, done, issued, used  # noqa: F401

PAYMENTS = f"{INVOICE}/payments"
JOURNAL = {"PROCESSOR": "journal", "SECRET_KEY": "a-secret-of-more-than-sixteen"}
PAYMENT = {"amount": 200, "reference": "bank 17"}


@pytest.fixture
def wired(database_url: str) -> Iterator[Wired]:
    given = {"DATABASE_URL": database_url, "THREADS": "2", **JOURNAL}
    with wire(Settings.from_environment(given), database_url) as wired:
        yield wired


@pytest.mark.usefixtures("issued")
def test_an_invoice_is_paid_in_parts_each_noted_once(admin: Caller) -> None:
    assert done(admin("GET", INVOICE))["number"] == "J-000001"
    assert done(admin("POST", PAYMENTS, PAYMENT))["effect"] == "recorded"
    assert done(admin("POST", PAYMENTS, PAYMENT))["effect"] == "nothing"
    shown = done(admin("GET", INVOICE))
    assert (shown["amount_paid"], shown["amount_remaining"]) == (200, 300)
    rest = {"amount": 300, "reference": "bank 18", "received_at": day(6)}
    assert done(admin("POST", PAYMENTS, rest))["cycle"] == CYCLE
    shown = done(admin("GET", INVOICE))
    assert (shown["status"], shown["amount_remaining"]) == ("paid", 0)


@pytest.mark.usefixtures("issued")
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"amount": 501, "reference": "bank 1"}, 409, "overpaid"),
        ({"amount": 0, "reference": "bank 1"}, 422, "invalid_input"),
        ({"amount": 5}, 422, "invalid_input"),
        ({"amount": 5, "reference": "b", "received_at": "2090-01-01T00:00:00Z"}, 422, None),
    ],
)
def test_a_payment_that_cannot_be_is_refused(
    admin: Caller, body: dict, status: int, code: str | None
) -> None:
    answer = admin("POST", PAYMENTS, body)
    assert answer.status_code == status
    assert answer.get_json()["code"] == (code or "invalid_input")


@pytest.mark.usefixtures("issued")
def test_a_payment_above_the_limit_weighs_its_amount(wired: Wired) -> None:
    settings = replace(wired.settings, second_person_above=199)
    client = create_app(replace(wired, settings=settings)).test_client()
    ada, bob = (Caller(client, wired.keys.create("support", actor="test")) for _ in range(2))
    kept = done(ada("POST", PAYMENTS, PAYMENT), 202)
    assert kept["amount"] == 200
    path = f"/v1/change-requests/{kept['change_request']}/approve"
    assert done(bob("POST", path, {}))["answer"]["effect"] == "recorded"
    assert done(ada("POST", PAYMENTS, PAYMENT))["effect"] == "nothing"


def test_what_is_not_issued_is_not_paid(admin: Caller, acme: str) -> None:
    answer = admin("POST", PAYMENTS, PAYMENT)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "not_issued")


@pytest.mark.usefixtures("issued")
def test_a_credit_note_and_the_books_journal_agree(admin: Caller) -> None:
    note = {"note": "n1", "lines": {"usage/a1/cpu@1": 100}, "reason": "outage", "reduce_due": 100}
    done(admin("POST", f"{INVOICE}/credit-notes", note))
    done(admin("POST", PAYMENTS, {"amount": 400, "reference": "bank 1"}))
    assert done(admin("GET", INVOICE))["status"] == "paid"
    text = admin("GET", "/v1/exports/journal?format=hledger").get_data(as_text=True)
    assert "    Assets:Payments  4.00 USD\n    Assets:Receivable  -4.00 USD\n" in text


@pytest.mark.usefixtures("issued")
def test_a_command_notes_the_same(admin: Caller, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in JOURNAL.items():
        monkeypatch.setenv(name, value)
    given = ["pay", CYCLE, "500", "--reference", "bank 17", "--at", day(6)]
    assert run(*given)[:2] == (0, f"{CYCLE}: bank 17 noted\n")
    assert run(*given)[:2] == (0, f"{CYCLE}: bank 17 was noted before\n")
    assert done(admin("GET", INVOICE))["status"] == "paid"
    status, _, said = run("pay", CYCLE, "1", "--reference", "bank 18")
    assert (status, "is paid" in said) == (1, True)


def test_no_webhook_is_taken(admin: Caller) -> None:
    answer = admin("POST", "/webhooks/stripe", {"id": "evt_1"}, headers={"Stripe-Signature": "x"})
    assert answer.status_code == 400


@pytest.mark.usefixtures("issued")
def test_who_noted_a_payment_is_told(admin: Caller) -> None:
    done(admin("POST", PAYMENTS, PAYMENT))
    told = done(admin("GET", f"{INVOICE}/history"))["data"][-1]
    assert told["actor"] == f"key:{admin.key[:11]}"
