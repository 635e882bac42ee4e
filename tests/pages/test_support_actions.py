"""What support does by forms: shown first, done once, refused beside the field.

Mutates organizations of its own, all called ``act-...``.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from api.app import create_app
from api.context import OPERATIONS
from api.pages.support.on_cases import ON_CASES, ON_DISCREPANCIES
from api.pages.support.on_invoices import ON_INVOICES
from api.pages.support.on_organizations import ON_ORGANIZATIONS
from tests.pages.staff import call, csrf, current, form, issued, project, registered, shown
from tests.pages.stage import Stage

ORGANIZATIONS = "/support/organizations"
INVOICES = "/support/invoices"
ALL = {**ON_ORGANIZATIONS, **ON_INVOICES}


@pytest.fixture(scope="module")
def acting(stage: Stage) -> str:
    """An organization whose first invoice is issued: 100.00 for one item; one service runs."""
    organization = registered(stage, "act-one")
    first = stage.wired.books.cycle_names(organization)[0]
    begun = stage.wired.invoices.get(first).invoice.period.start.isoformat()
    item = {
        "item": "first",
        "description": "Set-up",
        "amount": 10_000,
        "currency": "usd",
        "at": begun,
        "reason": "agreed",
    }
    path = f"/v1/organizations/{organization}"
    call(stage, "POST", f"{path}/items", item)
    attached = {"attachment": "db", "service": "database", "at": begun}
    call(stage, "POST", f"{path}/attachments", attached)
    issued(stage, organization)
    return organization


@pytest.fixture(scope="module")
def strict(stage: Stage) -> Stage:
    """The same where changes above 50.00 need a second person."""
    settings = replace(stage.wired.settings, second_person_above=5_000)
    return replace(stage, app=create_app(replace(stage.wired, settings=settings)))


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


def test_an_item_is_shown_then_added_once(stage: Stage, acting: str) -> None:
    client, cycle = stage.client(), current(stage, acting)
    before = stage.wired.invoices.get(cycle).total
    typed = {"description": "Training", "amount": "12.50", "reason": "agreed by phone"}
    item = form(client, f"{ORGANIZATIONS}/{acting}/do/item")

    effect = item.send("preview", **typed)
    page = shown(effect.text)
    assert "+12.50 USD" in page.text
    assert page.value("description") == "Training", "what was typed is kept"
    assert stage.wired.invoices.get(cycle).total == before, "nothing is stored by looking"

    done = item.send("do", **typed)
    again = item.send("do", **typed)
    assert (done.status_code, again.status_code) == (303, 303)
    assert again.headers["Location"] == f"{ORGANIZATIONS}/{acting}"
    assert stage.wired.invoices.get(cycle).total == before + 1_250, "a second click adds nothing"
    told = [e for e in stage.wired.invoices.history(cycle) if "agreed by phone" in e.what]
    assert [each.actor for each in told] == ["staff:jane"]
    assert "Add a one-off item: done." in client.get(done.headers["Location"]).text


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


def test_an_attachment_is_dated_back_and_changed(stage: Stage, acting: str) -> None:
    client, cycle = stage.client(role="admin"), current(stage, acting)
    period = stage.wired.invoices.get(cycle).invoice.period
    at = f"{period.start:%Y-%m-%d %H:%M}"

    attach = form(client, f"{ORGANIZATIONS}/{acting}/do/attach")
    typed = {"service": "machine", "attachment": "web", "quantity": "2", "at": at}
    assert "Machine" in attach.send("preview", **typed).text
    assert attach.send("do", **typed).status_code == 303
    quantity = form(client, f"{ORGANIZATIONS}/{acting}/do/quantity?attachment=web")
    assert quantity.send("do", attachment="web", quantity="3", at=at).status_code == 303
    detach = form(client, f"{ORGANIZATIONS}/{acting}/do/detach")
    assert detach.send("do", attachment="web", at="").status_code == 303

    found = {each.attachment: each for each in stage.wired.holdings.attachments(acting)}["web"]
    assert (found.since, found.quantity) == (period.start, 3)
    assert found.until is not None


def test_a_line_is_overridden(stage: Stage, acting: str) -> None:
    client, cycle = stage.client(), current(stage, acting)
    line = "fee/db/database@1"
    override = form(client, f"{INVOICES}/{cycle}/do/override?line={line}")

    assert "−" in shown(override.send("preview", line=line, amount="1.00", reason="deal").text).text
    assert override.send("do", line=line, amount="1.00", reason="deal").status_code == 303

    invoice = stage.wired.invoices.get(cycle).invoice
    about = {each.kind: each.amount for each in invoice.lines if each.key.endswith(line)}
    assert set(about) == {"fee", "override"}
    assert about["override"] < 0, "what it came to so far is more than 1.00"


def _running(stage: Stage, organization: str) -> str:
    """An organization's current cycle, in which a database of 49.00 runs from the start on."""
    issued(stage, registered(stage, organization))
    cycle = current(stage, organization)
    begun = stage.wired.invoices.get(cycle).invoice.period.start.isoformat()
    body = {"attachment": "db", "service": "database", "at": begun}
    call(stage, "POST", f"/v1/organizations/{organization}/attachments", body)
    return cycle


def test_overriding_says_what_the_line_came_to_and_comes_to(stage: Stage) -> None:
    cycle, line = _running(stage, "act-so-far"), "fee/db/database@1"
    found = next(e for e in stage.wired.invoices.so_far(cycle) if e.line.key == line)
    so_far, ends = (
        f"{each / 100:.2f} USD" for each in (found.amount, 4_900 - found.amount + 4_000)
    )
    override = form(stage.client(), f"{INVOICES}/{cycle}/do/override?line={line}")

    page = shown(override.client.get(override.path).text).text
    assert f"{so_far} so far of 49.00 USD" in page
    effect = shown(override.send("preview", line=line, amount="40", reason="deal").text).text
    assert f"has come to {so_far} so far, of 49.00 USD." in effect
    assert f"the whole line comes to {ends}" in effect


def test_final_is_offered_where_it_can_be_said_and_refused_beside_its_field(stage: Stage) -> None:
    cycle, line = _running(stage, "act-final"), "fee/db/database@1"
    client, path = stage.client(), f"{INVOICES}/{cycle}/do/override"
    typed = {"line": line, "amount": "40", "final": "yes", "reason": "deal"}

    assert "checked" not in client.get(path).text
    refused = form(client, path).send("preview", **typed)
    assert refused.status_code == 409
    assert 'id="final-wrong"' in refused.text
    assert form(client, f"{INVOICES}/{cycle}/do/hold").send("do", reason="r").status_code == 303

    assert "checked" in client.get(path).text
    assert "comes to 40.00 USD in the end" in form(client, path).send("preview", **typed).text
    assert form(client, path).send("do", **typed).status_code == 303
    assert stage.wired.invoices.get(cycle).total == 4_000


def test_a_waiver_that_would_do_something_else_by_now_is_shown_anew(stage: Stage) -> None:
    issued(stage, registered(stage, "act-anew"))
    cycle = current(stage, "act-anew")
    path = "/v1/organizations/act-anew"
    item = {"item": "i", "description": "Set-up", "amount": 10_000, "currency": "usd"}
    call(stage, "POST", f"{path}/items", {**item, "reason": "agreed"})
    typed = {"line": "item/i", "reason": "sorry"}
    waive = form(stage.client(), f"{INVOICES}/{cycle}/do/waive")
    looked = shown(waive.send("preview", **typed).text)
    assert "100.00 USD is not asked for: 0.00 USD of the line is left." in looked.text
    less = {"line": "item/i", "amount": 5_000, "reason": "agreed"}
    call(stage, "POST", f"/v1/invoices/{cycle}/override", less)

    refused = waive.send("do", **typed, shown=looked.value("shown"))

    anew = shown(refused.text)
    assert refused.status_code == 409
    assert "it would move other amounts now than it showed" in anew.text
    assert "50.00 USD is not asked for" in anew.text
    assert waive.send("do", **typed, shown=anew.value("shown")).status_code == 303
    again = waive.send("do", **typed, shown=anew.value("shown"))
    assert "sending it again did nothing" in waive.client.get(again.headers["Location"]).text
    assert stage.wired.invoices.get(cycle).total == 0


def test_voiding_what_cannot_be_is_refused_before_an_effect_is_shown(
    stage: Stage, acting: str
) -> None:
    void = form(stage.client(role="admin"), f"{INVOICES}/{current(stage, acting)}/do/void")

    refused = void.send("preview", mode="reissue", reason="wrong")

    assert refused.status_code == 409
    assert "What it would do" not in refused.text


def test_a_discount_is_granted_and_ended(stage: Stage, acting: str) -> None:
    client = stage.client()
    grant = form(client, f"{ORGANIZATIONS}/{acting}/do/discount")
    assert grant.send("do", percent="10", reason="loyal").status_code == 303
    end = client.get(f"{ORGANIZATIONS}/{acting}/do/end-discount")
    name = next(
        each["value"]
        for each in shown(end.text).attributes("option")
        if each["value"].startswith("hand-")
    )

    done = form(client, f"{ORGANIZATIONS}/{acting}/do/end-discount").send(
        "do", discount=name, reason="over"
    )

    assert done.status_code == 303
    assert "loyal" not in client.get(f"{ORGANIZATIONS}/{acting}").text


def test_usage_is_corrected_retracted_and_reverted(stage: Stage, acting: str) -> None:
    client, cycle = stage.client(), current(stage, acting)
    at = stage.wired.invoices.get(cycle).invoice.period.start
    record = {
        "source": "m",
        "id": "act-record",
        "organization": acting,
        "meter": "connections",
        "value": "90",
        "occurred_at": at.isoformat(),
        "attachment": "db",
    }
    call(stage, "POST", "/v1/usage", [record])
    total = stage.wired.invoices.get(cycle).total
    about = {"source": "m", "id": "act-record", "reason": "counted twice"}
    base = f"{ORGANIZATIONS}/{acting}/do"

    correct = form(client, f"{base}/correct?source=m&id=act-record")
    assert "−" in shown(correct.send("preview", **about, value="45").text).text
    assert correct.send("do", **about, value="45").status_code == 303
    assert stage.wired.invoices.get(cycle).total < total
    assert form(client, f"{base}/retract").send("do", **about).status_code == 303
    assert form(client, f"{base}/revert").send("do", **about).status_code == 303
    assert stage.wired.invoices.get(cycle).total == total

    unknown = form(client, f"{base}/retract").send("preview", **{**about, "id": "none"})
    assert unknown.status_code == 422
    assert "aria-invalid" in unknown.text


def test_an_issued_invoice_is_credited_line_by_line(stage: Stage, acting: str) -> None:
    first = stage.wired.books.cycle_names(acting)[0]
    note = form(stage.client(), f"{INVOICES}/{first}/do/credit-note")
    typed = {"lines__item/first": "10.00", "reason": "slow", "memo": "Sorry"}

    odd = note.send("preview", **typed, reduce_due="9.99")
    assert odd.status_code == 422
    assert "both have to be the same" in odd.text
    effect = shown(note.send("preview", **typed, reduce_due="10.00").text)
    assert "90.00 USD −10.00 USD" in effect.text
    assert note.send("do", **typed, reduce_due="10.00").status_code == 303
    assert note.send("do", **typed, reduce_due="10.00").status_code == 303

    standing = [e for e in stage.wired.invoices.get(first).outcomes if hasattr(e, "note")]
    assert [each.amount for each in standing] == [1_000]


def test_a_hold_has_an_owner_and_a_review_and_is_released(stage: Stage, acting: str) -> None:
    client, cycle = stage.client(), current(stage, acting)
    hold = form(client, f"{INVOICES}/{cycle}/do/hold")
    typed = {"reason": "a dispute", "owner": "ada", "review_at": "2030-01-05 10:00"}

    assert "No amount changes" in hold.send("preview", **typed).text
    assert hold.send("do", **typed).status_code == 303
    project(stage)
    desk = shown(client.get("/support").text)
    assert f"{cycle} a dispute ada in" in desk.text
    released = form(client, f"{INVOICES}/{cycle}/do/release").send("do", reason="settled")

    assert released.status_code == 303
    assert stage.wired.invoices.get(cycle).held is None


def test_a_draft_is_synced_now(stage: Stage, acting: str) -> None:
    cycle = current(stage, acting)
    sync = form(stage.client(), f"{INVOICES}/{cycle}/do/sync")

    assert sync.send("preview").status_code == 200
    assert sync.send("do").status_code == 303

    assert stage.wired.invoices.get(cycle).stripe.state == "in_step"
    plan = stage.client().get(f"{INVOICES}/{cycle}/stripe").text
    assert "Nothing has to change." in plan
    assert "the same" in plan


def test_an_issued_invoice_is_given_up_and_taken_back(stage: Stage) -> None:
    organization = registered(stage, "act-void")
    first = stage.wired.books.cycle_names(organization)[0]
    begun = stage.wired.invoices.get(first).invoice.period.start.isoformat()
    item = {"item": "i", "description": "Set-up", "amount": 900, "currency": "usd"}
    path = f"/v1/organizations/{organization}/items"
    call(stage, "POST", path, {**item, "at": begun, "reason": "agreed"})
    issued(stage, organization)
    client = stage.client(role="admin")

    given_up = form(client, f"{INVOICES}/{first}/do/uncollectible")
    assert "9.00 USD is given up" in given_up.send("preview", reason="insolvent").text
    assert given_up.send("do", reason="insolvent").status_code == 303
    assert stage.wired.invoices.get(first).status == "uncollectible"

    void = form(client, f"{INVOICES}/{first}/do/void")
    assert "9.00 USD" in void.send("preview", mode="forgive", reason="a gift").text
    assert void.send("do", mode="forgive", reason="a gift").status_code == 303
    assert stage.wired.invoices.get(first).status == "void"


def test_a_second_person_is_asked_above_the_limit(stage: Stage, strict: Stage) -> None:
    organization = registered(stage, "act-two")
    jane, rita = strict.client(name="jane"), strict.client(name="rita")
    credit = form(jane, f"{ORGANIZATIONS}/{organization}/do/credit")
    typed = {"amount": "60.00", "reason": "a long outage"}

    effect = credit.send("preview", **typed)
    assert "somebody else has to approve it" in effect.text
    assert "Ask for it" in effect.text
    asked, again = credit.send("do", **typed), credit.send("do", **typed)
    where = asked.headers["Location"]
    assert again.headers["Location"] == where, "the same form asks once"
    assert stage.wired.holdings.credits(organization) == []

    page = jane.get(where)
    assert "It moves 60.00 USD, above the limit of 50.00 USD" in shown(page.text).text
    assert "somebody else has to approve it" in page.text
    decision = {"csrf": csrf(jane, where), "step": "approve"}
    assert jane.post(where, data=decision).status_code == 403
    assert rita.get("/support").text.count(where) == 1
    odd = rita.post(where, data={**decision, "csrf": csrf(rita, where), "up_to": "1,5"})
    assert odd.status_code == 422
    assert 'id="up_to-wrong"' in odd.text
    accepted = {**decision, "csrf": csrf(rita, where), "up_to": "60.00", "reason": "yes"}
    approved = rita.post(where, data=accepted)
    assert approved.status_code == 303
    assert [each.amount for each in stage.wired.holdings.credits(organization)] == [6_000]


def test_a_change_is_turned_down_with_a_reason(stage: Stage, strict: Stage) -> None:
    organization = registered(stage, "act-three")
    jane, rita = strict.client(name="jane"), strict.client(name="rita")
    credit = form(jane, f"{ORGANIZATIONS}/{organization}/do/credit")
    where = credit.send("do", amount="60.00", reason="<img src=x>").headers["Location"]
    data = {"csrf": csrf(rita, where), "step": "reject"}

    page = shown(rita.get(where).text)
    assert "<img src=x>" in page.text
    assert not list(page.attributes("img"))
    mute = rita.post(where, data=data)
    assert mute.status_code == 422
    assert 'id="reason-wrong"' in mute.text
    assert rita.post(where, data={**data, "reason": "no outage"}).status_code == 303

    assert "no outage" in rita.get(where).text
    assert stage.wired.holdings.credits(organization) == []
