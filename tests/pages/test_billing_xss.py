"""Whatever customers, their services or our people write stays text on the billing pages.

Makes ``hostile``, and nothing else.
"""

from datetime import UTC, datetime, timedelta

import pytest

from api.instants import format_instant
from tests.pages.customers import Desk, Page, send
from tests.pages.stage import Stage

WHO = "hostile"
PAYLOADS = (
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "<img src=x onerror=alert(3)>",
    '"><img src=x onerror=alert(4)>',
    "' onmouseover='alert(5)",
    '" autofocus onfocus="alert(6)',
    "<svg/onload=alert(7)>",
    "<iframe src=javascript:alert(8)>",
    "<a href=javascript:alert(9)>x</a>",
    "{{ 7*191 }}",
    "{% raw %}x",
    "${7*191}",
    "</textarea><script>alert(12)</script>",
    "</title><script>alert(13)</script>",
    "<!--<script>alert(14)//-->",
    "&lt;script&gt;alert(15)&lt;/script&gt;",
    "<details open ontoggle=alert(16)>",
    "<math><mtext></mtext><script>alert(17)</script></math>",
    "<div hx-get=/sign-out hx-trigger=load>",
    "<form action=//evil.example><button>x</button></form>",
    "\u202e<b>18</b>",
)


@pytest.fixture(scope="module")
def cycle(stage: Stage) -> str:
    """An organization in which every text that somebody else chose is a payload."""
    desk, texts = Desk(stage), iter(PAYLOADS * 2)
    cycle = desk.register(
        WHO,
        name=next(texts),
        members=[{"user": next(texts), "email": "a@b.example", "role": "owner"}],
    )
    at = format_instant(datetime.now(UTC) - timedelta(minutes=5))
    desk("PUT", "/meters/hostile", {"unit": next(texts)[:32], "dimensions": ["region"]})
    price = {"price": "hostile", "name": next(texts), "currency": "usd", "kind": "metered"}
    model = {"meter": "hostile", "model": "per_unit", "unit_amount": "3", "group_by": ["region"]}
    desk("POST", "/prices", {**price, **model})
    desk("PUT", "/services/hostile", {"name": next(texts), "prices": ["hostile"]})
    root = f"/organizations/{WHO}"
    desk("POST", f"{root}/attachments", {"attachment": "h1", "service": "hostile", "at": at})
    records = [
        {
            "source": next(texts),
            "id": f"{number}{text}"[:128],
            "organization": WHO,
            "meter": "hostile",
            "attachment": "h1",
            "value": "1",
            "occurred_at": format_instant(datetime.now(UTC) - timedelta(minutes=1)),
            "properties": {"region": text},
        }
        for number, text in enumerate(PAYLOADS)
    ]
    answer = desk("POST", "/usage", records)
    assert answer["accepted"] == len(records), answer
    for number, text in enumerate(PAYLOADS):
        item = {"item": f"i{number}", "description": text, "amount": 100, "currency": "usd"}
        desk("POST", f"{root}/items", {**item, "reason": text, "at": at})
    desk(
        "POST", f"{root}/credits", {"credit": "k", "amount": 1, "currency": "usd", "reason": "<b>"}
    )
    desk.settle()
    return cycle


def reported(stage: Stage) -> list[str]:
    """Reports whose words are payloads, by the paths of their pages."""
    client = stage.client(WHO)
    paths = []
    for number, text in enumerate(PAYLOADS):
        sent = send(client, f"/billing/{WHO}/cases", case=f"c{number}", text=text)
        paths.append(sent.headers["Location"])
        assert send(client, f"{paths[-1]}/comments", text=text).status_code == 303
    return paths


def test_nothing_written_becomes_markup(stage: Stage, cycle: str) -> None:
    client = stage.client(WHO)
    clean = Page(client.get("/sign-in").text)
    keys = [each.key for each in stage.wired.invoices.get(cycle).invoice.lines]
    invoice = f"/billing/{WHO}/invoices/{cycle}"
    day = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    paths = [
        *(f"/billing/{WHO}{path}" for path in ("", "/costs", "/alerts", "/cases", "/notices")),
        *(f"{invoice}{path}" for path in ("", "/story", f"/changes?since={day}")),
        *(f"{invoice}/lines/{key.replace('%', '%25')}" for key in keys),
        *reported(stage),
    ]
    assert clean.tags
    for path in paths:
        response = client.get(path)
        assert response.status_code == 200, (path, response.text)
        assert_is_ours(Page(response.text), path)


def assert_is_ours(page: Page, path: str) -> None:
    """No element, attribute or address of a page is a payload's."""
    for tag, given in page.tags:
        assert tag not in ("img", "svg", "iframe", "math", "object", "base"), path
        assert not [name for name in given if name.startswith("on") or name == "style"], path
        assert tag != "script" or given.get("src"), path
        assert "javascript:" not in str(given.get("href")), path
        assert not str(given.get("action") or "/").startswith("//"), path
        assert given.get("hx-get") != "/sign-out", path
    assert "1337" not in page.text, path


def test_what_was_written_is_there_as_it_was_written(stage: Stage, cycle: str) -> None:
    page = Page(stage.client(WHO).get(f"/billing/{WHO}/invoices/{cycle}").text)
    shown = " ".join(page.words)

    missing = [text for text in PAYLOADS if text not in shown]

    assert missing == []


def test_what_is_typed_comes_back_as_text(stage: Stage, cycle: str) -> None:
    client = stage.client(WHO)
    for text in PAYLOADS:
        refused = send(client, f"/billing/{WHO}/alerts", name=text, limit="amount", amount=text)
        assert refused.status_code == 422
        page = Page(refused.text)
        assert_is_ours(page, text)
        assert page.values()["amount"] == text
