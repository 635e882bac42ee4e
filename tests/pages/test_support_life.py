"""Forms that move an invoice on in its life: late amounts, approval, issue, bill now, retry.

Mutates organizations of its own, all called ``life-...``.
"""

from datetime import UTC, datetime

import pytest

from tests.pages.staff import call, current, form, issued, registered, shown
from tests.pages.stage import Stage

INVOICES = "/support/invoices"
LINE = "usage/db/connections@1"


def _with_usage(stage: Stage, organization: str, *, waived: bool = False) -> str:
    """An organization with usage in its first cycle, which may be waived; the cycle's name."""
    registered(stage, organization)
    first = stage.wired.books.cycle_names(organization)[0]
    begun = stage.wired.invoices.get(first).invoice.period.start.isoformat()
    attached = {"attachment": "db", "service": "database", "at": begun}
    call(stage, "POST", f"/v1/organizations/{organization}/attachments", attached)
    _use(stage, organization, first, "40")
    if waived:
        body = {"line": LINE, "reason": "our mistake"}
        call(stage, "POST", f"/v1/invoices/{first}/waive", body)
    return first


def _use(stage: Stage, organization: str, cycle: str, value: str) -> None:
    at = stage.wired.invoices.get(cycle).invoice.period.start
    record = {
        "source": organization,
        "id": value,
        "organization": organization,
        "meter": "connections",
        "value": value,
        "occurred_at": at.isoformat(),
        "attachment": "db",
    }
    call(stage, "POST", "/v1/usage", [record])


def _late(stage: Stage, cycle: str) -> list[str]:
    view = stage.wired.invoices.get(cycle)
    return [each.line for each in (*view.late, *view.proposals)]


def test_a_late_amount_is_written_off(stage: Stage) -> None:
    first = _with_usage(stage, "life-late")
    issued(stage, "life-late")
    _use(stage, "life-late", first, "90")
    client, path = stage.client(), f"{INVOICES}/{first}"
    assert "What became known late" in client.get(path).text
    write_off = form(client, f"{path}/do/write-off-late")
    typed = {"line": LINE, "reason": "too late to ask for"}

    effect = shown(write_off.send("preview", **typed).text)
    assert "late/" in effect.text
    assert "−" in effect.text
    assert write_off.send("do", **typed).status_code == 303

    assert _late(stage, first) == []
    assert "too late to ask for" in client.get(f"{path}/story").text


def test_a_proposal_is_billed(stage: Stage) -> None:
    first = _with_usage(stage, "life-proposal", waived=True)
    issued(stage, "life-proposal")
    _use(stage, "life-proposal", first, "90")
    client, path = stage.client(), f"{INVOICES}/{first}"
    assert "a person adjusted this line" in client.get(path).text
    accept = form(client, f"{path}/do/accept-late")
    typed = {"line": LINE, "reason": "agreed"}
    before = stage.wired.invoices.get(current(stage, "life-proposal")).total

    assert "+" in shown(accept.send("preview", **typed).text).text
    assert accept.send("do", **typed).status_code == 303

    assert stage.wired.invoices.get(current(stage, "life-proposal")).total > before
    assert stage.wired.invoices.get(first).proposals == ()


def test_an_invoice_is_approved_and_issued(stage: Stage) -> None:
    registered(stage, "life-approve", policies={"grace_s": 0, "approval": "always"})
    first = stage.wired.books.cycle_names("life-approve")[0]
    begun = stage.wired.invoices.get(first).invoice.period.start.isoformat()
    item = {"item": "i", "description": "Set-up", "amount": 1_900, "currency": "usd", "at": begun}
    call(stage, "POST", "/v1/organizations/life-approve/items", {**item, "reason": "agreed"})
    issued(stage, "life-approve")
    client, path = stage.client(), f"{INVOICES}/{first}"

    early = form(client, f"{path}/do/finalize").send("do")
    assert early.status_code == 409
    assert "approv" in early.text
    approve = form(client, f"{path}/do/approve")
    assert "exactly 19.00 USD in 1 line." in approve.send("preview", reason="checked").text
    assert approve.send("do", reason="checked").status_code == 303
    finalize = form(client, f"{path}/do/finalize")
    assert "19.00 USD is issued" in finalize.send("preview").text
    assert finalize.send("do").status_code == 303

    assert stage.wired.invoices.get(first).status == "issued"
    assert "issued over 19.00 USD" in client.get(path).text


def test_a_cycle_is_billed_now_and_a_service_swapped(stage: Stage) -> None:
    _with_usage(stage, "life-now")
    issued(stage, "life-now")
    client, base = stage.client(role="admin"), "/support/organizations/life-now"
    swap = form(client, f"{base}/do/swap?attachment=db")
    assert swap.send("do", attachment="db", service="machine").status_code == 303
    assert "App machine" in client.get(base).text
    cycle = current(stage, "life-now")

    bill = form(client, f"{base}/do/bill-now")
    assert bill.send("preview", reason="they asked").status_code == 200
    assert bill.send("do", reason="they asked").status_code == 303

    assert stage.wired.invoices.get(cycle).status != "accruing"


def test_a_parked_sync_is_retried(stage: Stage) -> None:
    registered(stage, "life-park")
    cycle = current(stage, "life-park")
    queue = stage.wired.sync_queue
    queue.mark(cycle, 1, datetime.now(UTC))
    claim = next(each for each in queue.claim(1_000) if each.cycle == cycle)
    queue.fail(claim.token, "the customer was deleted at Stripe", park=True)
    client = stage.client()
    assert "the customer was deleted at Stripe" in shown(client.get("/support").text).text

    retry = form(client, f"{INVOICES}/{cycle}/do/retry")
    assert "tries again" in retry.send("preview").text
    assert retry.send("do").status_code == 303

    assert not any(each.cycle == cycle for each in queue.list(parked=True))
    again = form(client, f"{INVOICES}/{cycle}/do/retry").send("do")
    assert again.status_code == 404
    assert "is parked" in again.text


@pytest.mark.parametrize("step", ["preview", "do"])
def test_waiving_wants_a_line_and_a_reason(stage: Stage, step: str) -> None:
    registered(stage, "life-waive")
    path = f"{INVOICES}/{current(stage, 'life-waive')}/do/waive"

    refused = form(stage.client(), path).send(step)

    assert refused.status_code == 422
    for field in ("line", "reason"):
        assert f'id="{field}-wrong"' in refused.text
