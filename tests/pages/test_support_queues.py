"""What waits in line for support: cases, quarantined usage, discrepancies, feedback.

Mutates organizations of its own, all called ``que-...``.
"""

import json
import re
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest

from application.case_views import CaseFilter
from projections.case_summary import CaseSummary
from tests.pages.staff import call, csrf, current, form, project, registered, shown
from tests.pages.stage import Stage


@pytest.fixture(scope="module")
def queued(stage: Stage) -> str:
    """An organization with an item of 100.00 on its current invoice."""
    organization = registered(stage, "que-one")
    item = {"item": "i", "description": "Set-up", "amount": 10_000, "currency": "usd"}
    path = f"/v1/organizations/{organization}/items"
    call(stage, "POST", path, {**item, "reason": "agreed"})
    return organization


def _report(stage: Stage, organization: str, case: str, line: str = "item/i") -> str:
    cycle = current(stage, organization)
    body = {"case": case, "text": "Set-up was free", "cycle": cycle, "line": line}
    call(stage, "POST", f"/v1/organizations/{organization}/cases", body)
    project(stage)
    return f"{organization}.{case}"


def _open_cases(stage: Stage) -> tuple[CaseSummary, ...]:
    return stage.wired.cases.list(CaseFilter(status="open"), limit=200).data


def test_a_case_from_its_report_to_its_answer(stage: Stage, queued: str) -> None:
    client, waiting = stage.client(), len(_open_cases(stage))
    case = _report(stage, queued, "c1")
    path = f"/support/cases/{case}"

    assert f"Open cases {waiting + 1} " in shown(client.get("/support").text).text
    page = shown(client.get(path).text)
    assert "Set-up was free" in page.text
    assert "It showed 100.00 USD" in page.text
    assert form(client, f"{path}/do/acknowledge").send("do").status_code == 303
    inside = form(client, f"{path}/do/comment")
    words = "Sales\r\npromised it"
    assert inside.send("do", text=words, visibility="internal").status_code == 303
    answer = form(client, f"{path}/do/resolve")
    typed = {"kind": "explained", "text": "It is in your contract."}
    assert "the case is closed" in answer.send("preview", **typed).text
    assert answer.send("do", **typed).status_code == 303
    assert answer.send("do", **typed).status_code == 303, "a second click answers no more"

    page = shown(client.get(path).text)
    for text in ("Sales promised it", "only support sees this", "It is in your contract."):
        assert text in page.text
    told = stage.wired.cases.timeline(case, for_staff=False)
    assert [each.text for each in told if each.text] == [
        "Set-up was free",
        "It is in your contract.",
    ]
    assert form(client, f"{path}/do/reopen").send("do", text="They wrote back").status_code == 303
    assert stage.wired.cases.get(case).summary.status == "reopened"


def test_the_screen_of_a_case_is_the_one_they_saw(stage: Stage, queued: str) -> None:
    case = _report(stage, queued, "c2")
    cycle = current(stage, queued)
    seen = stage.wired.invoices.get(cycle).total
    item = {"item": "later", "description": "More", "amount": 700, "currency": "usd"}
    call(stage, "POST", f"/v1/organizations/{queued}/items", {**item, "reason": "agreed"})

    client = stage.client()
    page = client.get(f"/support/cases/{case}").text
    screen = re.search(r'href="(/support/invoices/[^"#]+known_at[^"#]+)', page)
    since = re.search(r'href="(/support/invoices/[^"]+/diff[^"]+)"', page)

    assert screen
    assert since
    then = shown(client.get(screen[1].replace("&amp;", "&")).text)
    assert f"{seen / 100:,.2f} USD" in then.text
    assert "added, +7.00 USD" in then.text
    diff = client.get(since[1])
    assert "The causes add up to +7.00 USD" in shown(diff.text).text


@pytest.mark.parametrize(
    ("typed", "field"),
    [({"text": "x"}, "visibility"), ({"visibility": "public"}, "text")],
)
def test_a_comment_wants_both(stage: Stage, queued: str, typed: dict[str, str], field: str) -> None:
    case = _report(stage, queued, f"c3-{field}")

    refused = form(stage.client(), f"/support/cases/{case}/do/comment").send("do", **typed)

    assert refused.status_code == 422
    assert f'id="{field}-wrong"' in refused.text


def test_cases_are_listed_by_status_and_organization(stage: Stage, queued: str) -> None:
    case = _report(stage, queued, "c4")
    client = stage.client()

    assert case in client.get(f"/support/cases?status=open&organization={queued}").text
    assert case not in client.get(f"/support/cases?status=resolved&organization={queued}").text
    assert case not in client.get("/support/cases?organization=nobody").text


def _quarantined(stage: Stage, organization: str, *ids: str, meter: str) -> None:
    at = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    record = {"source": "q", "organization": organization, "meter": meter, "value": "1"}
    call(stage, "POST", "/v1/usage", [{**record, "id": each, "occurred_at": at} for each in ids])


def test_quarantined_usage_is_replayed_once_its_meter_is_defined(stage: Stage, queued: str) -> None:
    _quarantined(stage, queued, "que-1", "que-2", meter="que-meter")
    client, path = stage.client(), "/support/quarantine?code=unknown_meter"
    chosen, other = (_chosen(client.get(path).text, each) for each in ("que-1", "que-2"))
    both = chosen + other
    call(stage, "PUT", "/v1/meters/que-meter", {"aggregation": "sum", "unit": "piece"})
    data = {"csrf": csrf(client, path), "ids": chosen, "step": "replay"}

    mute = client.post("/support/quarantine", data=data)
    assert mute.status_code == 422
    assert 'id="reason-wrong"' in mute.text
    assert re.search(rf'value="{chosen[0]}"[^>]*checked', mute.text), "the choice is kept"
    wordy = client.post("/support/quarantine", data={**data, "reason": "x" * 501})
    assert (wordy.status_code, 'id="reason-wrong"' in wordy.text) == (422, True)
    data["reason"] = "defined\r\nnow"
    asked = client.post(path, data=data)
    assert asked.status_code == 200
    assert "1 record would be recorded as sent" in shown(asked.text).text
    assert re.search(rf'value="{chosen[0]}"[^>]*checked', asked.text)
    assert "que-1" in client.get(path).text, "nothing is done by asking"
    others = {**data, "sure": shown(asked.text).value("sure"), "every": "yes", "shown": both}
    assert "2 records would be recorded" in shown(client.post(path, data=others).text).text
    sure = {**data, "sure": shown(asked.text).value("sure")}
    assert client.post(path, data=sure).status_code == 303

    assert "1 usage record recorded" in client.get(path).text
    found = client.get(f"/support/organizations/{queued}/usage?meter=que-meter").text
    assert "que-1" in found
    assert "que-2" not in found
    assert "defined now" in client.get("/support/quarantine?status=replayed").text


def test_quarantined_usage_is_dismissed_all_at_once(stage: Stage, queued: str) -> None:
    _quarantined(stage, "que-nobody", "que-3", "que-4", meter="egress_gb")
    client, path = stage.client(), "/support/quarantine?code=unknown_organization"
    page = client.get(path).text
    ours = _chosen(page, "que-3") + _chosen(page, "que-4")
    data = {"csrf": csrf(client, path), "shown": ours, "every": "yes", "step": "dismiss"}

    assert client.post("/support/quarantine", data={**data, "reason": "a test"}).status_code == 303

    assert "2 usage records dismissed." in client.get(path).text
    assert "que-3" in client.get("/support/quarantine?status=dismissed").text


@pytest.mark.parametrize("ids", [[], ["x"], ["9" * 30]])
def test_nothing_chosen_is_said_so(stage: Stage, ids: list[str]) -> None:
    client = stage.client()
    data = {"csrf": csrf(client, "/support/quarantine"), "ids": ids, "reason": "none"}

    refused = client.post("/support/quarantine", data={**data, "step": "dismiss"})

    assert refused.status_code == 422
    beside = refused.text.index("All ")
    assert refused.text.index("choose the records") > beside, "beside the choice, below the list"


def _chosen(html: str, record: str) -> list[str]:
    """The entry of a record, as its checkbox has it."""
    return re.findall(rf'value="(\d+)" aria-label="Choose record {record}"', html)


def _edit_draft(stage: Stage, cycle: str, key: str, amount: int) -> None:
    """Change a line in Stripe's Dashboard, behind our back."""
    state, _ = stage.wired.stripe_stream.load(cycle)
    url = f"http://127.0.0.1:{stage.wired.settings.sandbox_port}/_sandbox"
    request = urllib.request.Request(  # our own sandbox
        f"{url}/lines/{state.lines[key].line}",
        data=json.dumps({"amount": amount}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


def _drifted(stage: Stage, organization: str) -> str:
    """An organization whose draft somebody edited; its cycle."""
    registered(stage, organization)
    item = {"item": "i", "description": "Set-up", "amount": 5_000, "currency": "usd"}
    call(stage, "POST", f"/v1/organizations/{organization}/items", {**item, "reason": "agreed"})
    client, cycle = stage.client(), current(stage, organization)
    sync = f"/support/invoices/{cycle}/do/sync"
    assert form(client, sync).send("do").status_code == 303
    _edit_draft(stage, cycle, "item/i", 4_000)
    refused = form(client, sync).send("do")
    assert refused.status_code == 409
    assert 'role="alert"' in refused.text
    project(stage)
    return cycle


def test_an_edited_draft_is_decided_on(stage: Stage) -> None:
    cycle = _drifted(stage, "que-adopt")
    client = stage.client()
    assert "Stripe differs" in client.get(f"/support/invoices/{cycle}").text
    beside = shown(client.get(f"/support/invoices/{cycle}/stripe").text).text
    assert "amount item/i: 50.00 USD in the books, 40.00 USD at Stripe" in beside
    decide = form(client, f"/support/invoices/{cycle}/do/edits")
    typed = {"decision": "adopt", "reason": "agreed with the customer"}

    assert "−10.00 USD" in shown(decide.send("preview", **typed).text).text
    assert decide.send("do", **typed).status_code == 303

    view = stage.wired.invoices.get(cycle)
    assert (view.total, view.stripe.state) == (4_000, "in_step")


@pytest.mark.parametrize("how", ["overwrite", "adopt"])
def test_a_discrepancy_is_resolved(stage: Stage, how: str) -> None:
    cycle = _drifted(stage, f"que-{how}-it")
    client = stage.client()
    page = client.get("/support/discrepancies").text
    row = next(each for each in page.split("<tr>") if cycle in each)
    assert "−10.00 USD" in row
    assert "40.00 USD" in row
    path = re.search(r'href="([^"]+do/resolve)\?how=adopt"', row)
    assert path
    resolve = form(client, path[1])

    effect = shown(resolve.send("preview", how=how, reason="looked at").text).text
    changed = {"adopt": "50.00 USD 40.00 USD −10.00 USD", "overwrite": "40.00 USD 50.00 USD +10.00"}
    assert f"Set-up item/i {changed[how]}" in effect
    assert resolve.send("do", how=how, reason="looked at").status_code == 303

    plan = f"/support/invoices/{cycle}/stripe"
    assert "Decide about an edited draft" not in client.get(plan).text, "nothing is to decide"
    project(stage)
    assert cycle not in client.get("/support/discrepancies").text
    assert stage.wired.invoices.get(cycle).stripe.state == "in_step"


def test_an_edited_draft_is_not_just_dismissed(stage: Stage) -> None:
    cycle = _drifted(stage, "que-dismiss-it")
    found = next(e for e in stage.wired.discrepancies.list().data if e.cycle == cycle)
    client, typed = stage.client(), {"how": "dismiss", "reason": "leave it"}

    refused = form(client, f"/support/discrepancies/{found.id}/do/resolve").send("do", **typed)

    assert refused.status_code == 409
    assert "leave it" in refused.text
    assert 'role="alert"' in refused.text


def test_feedback_is_read(stage: Stage, queued: str) -> None:
    cycle = current(stage, queued)
    words = {"clear": False, "comment": "What is a seat?"}
    call(stage, "PUT", f"/v1/invoices/{cycle}/feedback", words)

    client = stage.client()
    assert "What is a seat?" in client.get("/support").text
    assert "What is a seat?" in client.get("/support/feedback").text
    call(stage, "PUT", f"/v1/invoices/{cycle}/feedback", {"clear": True}, role="support")
    assert "yes" in shown(client.get("/support/feedback?show=all").text).text
