"""Support's forms: each opens, takes what its operation takes, and refuses beside the field.

Mutates the organization ``act-one``.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from api.context import OPERATIONS
from api.pages.support.on_cases import ON_CASES, ON_DISCREPANCIES
from api.pages.support.on_invoices import ON_INVOICES
from api.pages.support.on_organizations import ON_ORGANIZATIONS
from tests.pages.staff import csrf, current, form, shown
from tests.pages.stage import Stage

ORGANIZATIONS = "/support/organizations"
INVOICES = "/support/invoices"
ALL = {**ON_ORGANIZATIONS, **ON_INVOICES}


@pytest.mark.parametrize("name", ON_ORGANIZATIONS)
def test_every_form_about_an_organization_opens(stage: Stage, acting: str, name: str) -> None:
    page = stage.client(role="admin").get(f"{ORGANIZATIONS}/{acting}/do/{name}")

    assert page.status_code == 200
    assert ON_ORGANIZATIONS[name].title in page.text


@pytest.mark.parametrize("name", ON_INVOICES)
def test_every_form_about_an_invoice_opens(stage: Stage, acting: str, name: str) -> None:
    page = stage.client(role="admin").get(f"{INVOICES}/{current(stage, acting)}/do/{name}")

    assert page.status_code == 200
    assert ON_INVOICES[name].title in page.text


@pytest.mark.parametrize("action", [*ALL.values(), *ON_CASES.values(), *ON_DISCREPANCIES.values()])
def test_an_action_asks_for_what_its_operation_takes(stage: Stage, action: Any) -> None:
    op = next(each for each in _operations(stage) if each.name == action.op)
    taken = set(op.body.fields) if op.body else set()
    taken |= {"action", "source", "id", "value", "occurred_at", "attachment", "reason"} & (
        set() if op.items is None else {each.name for each in action.fields}
    )
    asked = {field.name for field in action.fields if not field.place}

    assert asked <= taken
    if op.body is not None:
        required = {name for name, each in op.body.fields.items() if each.required}
        assert required <= asked | {action.identity}


def _operations(stage: Stage) -> Iterator[Any]:
    yield from stage.app.extensions[OPERATIONS].values()


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"amount": "12.505"}, "amount", "USD has 2 decimals: write 12.50"),
        ({"amount": ""}, "amount", "fill this in, please"),
        ({"amount": "0"}, "amount", "must be above zero and at most 999,999.99 USD"),
        ({"at": "2026-02-30 10:00"}, "at", "there is no such day"),
        ({"at": "1999-01-01 10:00"}, "at", ""),
        ({"reason": " "}, "reason", "fill this in, please"),
        ({"description": "x" * 501}, "description", "length must be between 1 and 500"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_typed_is_lost(
    stage: Stage, acting: str, typed: dict[str, str], field: str, words: str
) -> None:
    good = {"description": "Training", "amount": "12.50", "reason": "agreed", "tax_code": "t1"}
    item = form(stage.client(), f"{ORGANIZATIONS}/{acting}/do/item")

    for step in ("preview", "do"):
        refused = item.send(step, **{**good, **typed})
        page = shown(refused.text)

        assert 400 <= refused.status_code < 500
        assert page.value("tax_code") == "t1"
        assert words in page.text
        marked = [each for each in page.tags if each[1].get("aria-invalid")]
        assert [attributes.get("name") for _, attributes in marked] == [field]


@pytest.mark.parametrize("odd", ["9" * 40, "x" * 10_000, "-1", "1e9", "²", "\t\r\n.", "\0"])
def test_odd_words_are_refused_and_never_a_fault(stage: Stage, acting: str, odd: str) -> None:
    client, cycle = stage.client(role="admin"), current(stage, acting)
    for base, actions in (
        (f"{ORGANIZATIONS}/{acting}", ON_ORGANIZATIONS),
        (f"{INVOICES}/{cycle}", ON_INVOICES),
    ):
        for name, action in actions.items():
            odd_form = form(client, f"{base}/do/{name}")
            typed = {each.name: odd for each in action.fields}
            answer = odd_form.send("preview", **typed, **{"lines__x": odd})
            assert answer.status_code < 500, (name, answer.text)


def test_a_refusal_of_the_books_is_said_in_words(stage: Stage, acting: str) -> None:
    first = stage.wired.books.cycle_names(acting)[0]
    void = form(stage.client(role="admin"), f"{INVOICES}/{current(stage, acting)}/do/void")

    refused = void.send("do", mode="reissue", reason="wrong")

    assert refused.status_code == 409
    assert 'role="alert"' in refused.text
    assert stage.wired.invoices.get(first).status == "issued"


def test_what_support_may_not_do_is_shown_and_says_who_may(stage: Stage, acting: str) -> None:
    client = stage.client()

    offers = shown(client.get(f"{ORGANIZATIONS}/{acting}").text)
    assert "Bill now admin only" in offers.text
    page = client.get(f"{ORGANIZATIONS}/{acting}/do/bill-now")
    assert "Who may: admin." in page.text
    assert "<fieldset disabled>" in page.text
    sent = form(client, f"{ORGANIZATIONS}/{acting}/do/bill-now").send("do", reason="now")
    assert sent.status_code == 403
    assert "act-one" in current(stage, acting)


def test_a_form_without_its_token_is_refused(stage: Stage, acting: str) -> None:
    client = stage.client()
    path = f"{ORGANIZATIONS}/{acting}/do/credit"
    typed = {"amount": "1.00", "reason": "no", "step": "do"}

    forged = client.post(path, data={**typed, "token": "a" * 32})
    assert forged.status_code == 403
    old = client.post(path, data={**typed, "csrf": csrf(client, path), "token": "?"})
    assert old.status_code == 409
    assert "too old" in old.text
    assert all(each.reason != "no" for each in stage.wired.holdings.credits(acting))
