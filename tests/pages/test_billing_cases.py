"""Problems that customers report from what they see, and what becomes of them; and feedback.

Changes ``pampa`` of the demo, and makes ``reporter``.
"""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from api.links import Links
from api.pages.billing.cases import ANSWERS, STATE_WORDS
from application.signing_in import Visitor
from domain.case import RESOLUTIONS, STATUSES
from tests.pages.customers import Desk, Page, send
from tests.pages.stage import Stage

WHO = "pampa"
CASES = f"/billing/{WHO}/cases"


def seen(stage: Stage, line: str = "") -> dict[str, str]:
    """What a form carries that is opened from the overview, about a line or the whole invoice."""
    client = stage.client(WHO)
    links = [each for each in Page(client.get(f"/billing/{WHO}").text).links() if "/new" in each]
    wanted = next(
        each
        for each in links
        if parse_qs(urlsplit(each).query).get("line") == ([line] if line else None)
    )
    values = Page(client.get(wanted).text).values()
    return {name: value for name, value in values.items() if name != "csrf"}


def case_of(location: str) -> str:
    return location.rpartition("/")[2]


def test_every_state_and_answer_has_words() -> None:
    assert set(STATE_WORDS) == set(STATUSES)
    assert set(ANSWERS) == set(RESOLUTIONS)


def test_a_report_is_bound_to_what_was_on_the_screen(stage: Stage) -> None:
    client, view = stage.client(WHO), stage.wired.invoices.current(WHO).invoice
    line = view.invoice.lines[0]
    values = seen(stage, line.key)

    sent = send(client, CASES, **values, text="We never had this.")

    report = stage.wired.cases.get(case_of(sent.headers["Location"]), WHO).report
    assert (report.cycle, report.line, report.amount) == (
        view.invoice.cycle,
        line.key,
        line.amount,
    )
    assert report.digest == view.digest == values["digest"]
    assert "We never had this." in Page(client.get(sent.headers["Location"]).text).text


def test_the_same_form_twice_is_one_report(stage: Stage) -> None:
    client, values = stage.client(WHO), seen(stage)

    first = send(client, CASES, **values, text="Twice")
    second = send(client, CASES, **values, text="Twice")

    assert first.headers["Location"] == second.headers["Location"]


@pytest.mark.parametrize(
    ("changed", "status", "words"),
    [
        pytest.param({"digest": "sha256:0"}, 422, "was not so then", id="another digest"),
        pytest.param({"line": "fee/none@1"}, 422, "had no line", id="a line there was not"),
        pytest.param({"known_at": "soon"}, 422, "must be an instant", id="no instant"),
        pytest.param({"known_at": "2999-01-01T00:00:00Z"}, 422, "future", id="in the future"),
        pytest.param({"cycle": "acme.2026-01-01"}, 404, "cannot find", id="another's invoice"),
        pytest.param({"text": ""}, 422, "at most 4,000 characters", id="nothing written"),
        pytest.param({"text": "x" * 4_001}, 422, "at most 4,000 characters", id="too much"),
    ],
)
def test_a_report_that_cannot_be_is_refused_and_nothing_typed_is_lost(
    stage: Stage, changed: dict[str, str], status: int, words: str
) -> None:
    values = {**seen(stage), "text": "I typed this", **changed}

    refused = send(stage.client(WHO), CASES, **values)

    assert refused.status_code == status
    assert words in Page(refused.text).text
    if status == 422 and values["text"]:
        assert values["text"] in Page(refused.text).text


def test_an_answer_a_comment_and_opening_it_again(stage: Stage) -> None:
    client, desk = stage.client(WHO), Desk(stage)
    there = send(client, CASES, **seen(stage), text="Too much").headers["Location"]
    case = case_of(there)
    desk("POST", f"/cases/{case}/acknowledge", {})
    note = {"text": "He is right", "visibility": "internal"}
    desk("POST", f"/cases/{case}/comment", note)
    assert "We are looking into it" in Page(client.get(there).text).text

    assert send(client, f"{there}/comments", text="More of it").status_code == 303
    desk("POST", f"/cases/{case}/resolve", {"kind": "explained", "text": "See the prices"})
    page = Page(client.get(there).text)
    assert "The bill is right; here is why" in page.text
    assert "See the prices" in page.text
    assert "He is right" not in page.text
    assert "key:" not in page.text

    assert send(client, f"{there}/reopen", text="No").status_code == 303
    assert "Open again" in Page(client.get(there).text).text
    desk.settle()
    assert "Open again" in Page(client.get(CASES).text).text


def test_a_member_is_told_by_name_from_the_others(stage: Stage) -> None:
    member = Visitor(actor="member:owner", role="organization", organization=WHO)
    until = datetime.now(UTC) + timedelta(hours=1)
    link = stage.wired.sessions.make_link(member, until, actor="test")
    address = Links(stage.wired.settings).address(link, member, until)
    client = stage.app.test_client()
    client.post(address.removeprefix(stage.base))

    there = send(client, CASES, **seen(stage), text="Mine").headers["Location"]

    assert "You " in Page(client.get(there).text).text
    assert "owner " in Page(stage.client(WHO).get(there).text).text


def test_what_cannot_be_done_any_more_is_told_in_words(stage: Stage) -> None:
    client = stage.client(WHO)
    there = send(client, CASES, **seen(stage), text="Open").headers["Location"]

    refused = send(client, f"{there}/reopen", text="I keep this")

    assert refused.status_code == 422
    assert "need not be opened again" in Page(refused.text).text
    assert "I keep this" in Page(refused.text).text


def test_nobody_sees_anothers_report(stage: Stage) -> None:
    there = send(stage.client(WHO), CASES, **seen(stage), text="Ours").headers["Location"]
    case = case_of(there)

    other = stage.client("tiny")
    for path in (there, f"/billing/tiny/cases/{case}"):
        assert other.get(path).status_code == 404
        assert send(other, f"{path}/comments", text="x").status_code == 404


def test_a_problem_with_no_invoice_at_all(stage: Stage) -> None:
    Desk(stage).register("reporter")
    client = stage.client("reporter")
    values = Page(client.get("/billing/reporter/cases/new").text).values()

    sent = send(client, "/billing/reporter/cases", case=values["case"], text="Hello?")

    assert "Hello?" in Page(client.get(sent.headers["Location"]).text).text


@pytest.mark.parametrize(
    ("values", "status", "words"),
    [
        pytest.param({"clear": "yes"}, 303, "", id="yes"),
        pytest.param({"clear": "no", "comment": "What is Tier 1?"}, 303, "", id="no, and why"),
        pytest.param({"comment": "lost?"}, 422, "Choose yes or no.", id="neither"),
        pytest.param({"clear": "no", "comment": "x" * 2_001}, 422, "at most 2,000", id="too much"),
    ],
)
def test_whether_a_bill_was_clear(
    stage: Stage, values: dict[str, str], status: int, words: str
) -> None:
    client, cycle = stage.client(WHO), stage.wired.books.cycle_names(WHO)[0]
    path = f"/billing/{WHO}/invoices/{cycle}"

    answered = send(client, f"{path}/feedback", **values)

    assert answered.status_code == status
    assert words in Page(answered.text).text
    if status == 303:
        kept = stage.wired.feedback.of(cycle, f"customer:{WHO}")
        assert kept is not None
        assert (kept.clear, kept.comment) == (values["clear"] == "yes", values.get("comment"))
        assert f"You said: {values['clear']}" in Page(client.get(path).text).text
