"""Spend alerts, notices and e-mail choices of a customer. Changes ``mistral`` of the demo."""

import pytest

from api.pages.billing.alerts import named
from api.pages.billing.notice_words import WORDS
from api.pages.billing.notices import SUBJECT_WORDS
from application.notices import CUSTOMERS, SUBJECTS
from tests.pages.customers import Page, send
from tests.pages.stage import Stage

WHO = "mistral"
ALERTS = f"/billing/{WHO}/alerts"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        pytest.param({"limit": "amount", "amount": "12.50"}, "12.50 EUR", id="an amount"),
        pytest.param({"limit": "last", "percent": "80"}, "80% of my last", id="of the last"),
        pytest.param({"limit": "last", "percent": "80 %"}, "80%", id="with its sign"),
        pytest.param(
            {"limit": "budget", "percent": "90", "budget": "1000"},
            "90% of a budget of 1,000.00 EUR",
            id="of a budget",
        ),
        pytest.param({"of": "forecast", "limit": "amount", "amount": "9"}, "9.00 EUR", id="ahead"),
    ],
)
def test_an_alert_is_set_changed_and_removed(
    stage: Stage, typed: dict[str, str], told: str
) -> None:
    client = stage.client(WHO)

    assert send(client, ALERTS, **{"name": "Mine!", "of": "spend", **typed}).status_code == 303
    assert told in Page(client.get(ALERTS).text).text
    change = Page(client.get(f"{ALERTS}?change=mine").text).values()
    assert change["name"] == "mine"
    for name in ("amount", "percent", "budget"):
        if name in typed:
            assert change[name].split(".")[0] == typed[name].split(".")[0].removesuffix(" %")

    assert send(client, f"{ALERTS}/mine/remove").status_code == 303
    assert told not in Page(client.get(ALERTS).text).text


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"name": "!!", "limit": "amount", "amount": "5"}, "name", "Give it a name"),
        ({"name": "a", "limit": "amount", "amount": "1,000"}, "amount", "nothing between"),
        ({"name": "a", "limit": "amount", "amount": "1.234"}, "amount", "2 decimals"),
        (
            {"name": "a", "limit": "amount", "amount": "0"},
            "amount",
            "from 0.01 to 10,000,000,000 EUR",
        ),
        ({"name": "a", "limit": "amount", "amount": "-5"}, "amount", "from 0.01 to"),
        ({"name": "a", "limit": "amount", "amount": ""}, "amount", "Write an amount"),
        ({"name": "a", "limit": "last", "percent": "half"}, "percent", "whole number"),
        ({"name": "a", "limit": "last", "percent": "10001"}, "percent", "from 1 to 10,000"),
        ({"name": "a", "limit": "budget", "percent": "5", "budget": "x"}, "budget", "an amount"),
        ({"name": "a", "limit": "none", "of": "spend", "percent": "x"}, "percent", "whole number"),
    ],
)
def test_what_is_wrong_is_told_beside_its_field(
    stage: Stage, typed: dict[str, str], field: str, words: str
) -> None:
    refused = send(stage.client(WHO), ALERTS, **{"of": "spend", **typed})
    page = Page(refused.text)

    assert refused.status_code == 422
    assert words in page.text
    wrong = [given for tag, given in page.tags if given.get("aria-invalid") == "true"]
    assert [given["name"] for given in wrong] == [field]
    assert page.values()[field] == typed.get(field, ""), "what was typed stays"


@pytest.mark.parametrize(
    ("typed", "name"),
    [("Budget", "budget"), (" Mein Büro 2 ", "mein-buro-2"), ("<b>", "b"), ("東京", "")],
)
def test_a_typed_name_becomes_one_for_addresses(typed: str, name: str) -> None:
    assert named(typed) == name


def test_every_notice_and_every_subject_has_words() -> None:
    assert set(WORDS) == set(CUSTOMERS)
    assert set(SUBJECT_WORDS) == set(SUBJECTS)


def test_notices_are_read(stage: Stage) -> None:
    client = stage.client(WHO)
    page = Page(client.get(f"/billing/{WHO}/notices").text)
    assert "was issued over" in page.text

    up_to = page.values()["up_to"]
    assert send(client, f"/billing/{WHO}/notices/read", up_to=up_to).status_code == 303

    assert "up_to" not in Page(client.get(f"/billing/{WHO}/notices").text).values()


def test_a_member_chooses_e_mails(stage: Stage) -> None:
    client = stage.client(WHO)

    send(client, f"/billing/{WHO}/members/owner/notifications", subject=["alerts", "cases"])

    chosen = stage.wired.mail_choices.get(WHO, "owner")
    assert [name for name, wanted in chosen.items() if wanted] == ["alerts", "cases"]
    unknown = send(client, f"/billing/{WHO}/members/nobody/notifications", subject=["alerts"])
    assert unknown.status_code == 404


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        ("invoice.credited", {"number": "29C2-1", "amount": 1500}, "on invoice 29C2-1."),
        ("invoice.credited", {"number": None, "amount": 1500}, "on your invoice."),
        ("invoice.action_required", {"number": "29C2-1"}, "payment of invoice 29C2-1."),
        ("invoice.payment_failed", {"number": "29C2-1", "reason": ""}, "of invoice 29C2-1 did"),
        ("invoice.past_due", {"number": "29C2-1"}, "Invoice 29C2-1 was not paid"),
    ],
)
def test_a_notice_calls_an_invoice_by_its_number(
    kind: str, data: dict[str, object], words: str
) -> None:
    assert words in WORDS[kind]({"currency": "eur", "invoice": {"number": None}, **data})
