"""Amounts changed by support's forms: what each comes to is shown first, and done once.

Mutates organizations of its own, all called ``act-...``.
"""

from tests.pages.staff import call, current, form, issued, registered, shown
from tests.pages.stage import Stage

ORGANIZATIONS = "/support/organizations"
INVOICES = "/support/invoices"


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
