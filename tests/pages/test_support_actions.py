"""What support does by forms: shown first, done once.

Mutates organizations of its own, all called ``act-...``.
"""

from tests.pages.staff import call, current, form, issued, project, registered, shown
from tests.pages.stage import Stage

ORGANIZATIONS = "/support/organizations"
INVOICES = "/support/invoices"


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
