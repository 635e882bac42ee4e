"""What support sees: who may, and what each page says of organizations and invoices.

Mutates organizations of its own, all called ``see-...``.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from api.pages.billing.breakdown import described
from tests.pages.staff import call, current, issued, project, registered, shown
from tests.pages.stage import STARRING, Stage

RULES: dict[str, tuple[str, ...]] = {
    "/support": ("GET",),
    "/support/cases": ("GET",),
    "/support/cases/<case>": ("GET",),
    "/support/cases/<case>/do/<action>": ("GET", "POST"),
    "/support/change-requests": ("GET",),
    "/support/change-requests/<change>": ("GET", "POST"),
    "/support/discrepancies": ("GET",),
    "/support/discrepancies/<discrepancy>/do/<action>": ("GET", "POST"),
    "/support/feedback": ("GET",),
    "/support/invoices/<cycle>": ("GET",),
    "/support/invoices/<cycle>/diff": ("GET",),
    "/support/invoices/<cycle>/do/<action>": ("GET", "POST"),
    "/support/invoices/<cycle>/lines/<path:line>": ("GET",),
    "/support/invoices/<cycle>/story": ("GET",),
    "/support/invoices/<cycle>/stripe": ("GET",),
    "/support/organizations/<organization>": ("GET",),
    "/support/organizations/<organization>/do/<action>": ("GET", "POST"),
    "/support/organizations/<organization>/notices": ("GET",),
    "/support/organizations/<organization>/usage": ("GET",),
    "/support/quarantine": ("GET", "POST"),
}
"""Every address of the console. All are for support and admins."""

EACH = [(rule, method) for rule, methods in RULES.items() for method in methods]
PAYLOADS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    '"><script>alert(1)</script>',
    "' onmouseover='alert(1)",
    '" autofocus onfocus="alert(1)',
    "javascript:alert(1)",
    "</textarea><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "<!--<script>alert(1)//-->",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "{{ 7 * 7 }}",
    "{% raw %}",
    "${7*7}",
    "&lt;script&gt;",
    "<a href=javascript:alert(1)>x</a>",
    "<form action=//evil.example>",
    "<base href=//evil.example>",
    "<style>*{display:none}</style>",
    "<math><mtext></form><mglyph><style></math><img src onerror=alert(1)>",
)
FIRST_LOAD_MAX = 250_000
OURS = frozenset({"htmx.min.js", "cyclebook.js", "kept.js"})


def test_every_address_is_in_the_table(stage: Stage) -> None:
    known = {
        (rule.rule, method)
        for rule in stage.app.url_map.iter_rules()
        if rule.rule.startswith("/support")
        for method in rule.methods or ()
        if method in ("GET", "POST")
    }

    assert known == set(EACH)


def _address(rule: str) -> str:
    values = {"organization": STARRING, "cycle": f"{STARRING}.2026-01-01", "action": "item"}
    return re.sub(r"<(?:path:)?(\w+)>", lambda found: values.get(found[1], "x"), rule)


@pytest.mark.parametrize(("rule", "method"), EACH)
def test_a_customer_may_not(stage: Stage, rule: str, method: str) -> None:
    page = stage.client(STARRING).open(_address(rule), method=method)

    assert page.status_code in (403, 404)
    assert "Acme Robotics" not in page.text


@pytest.mark.parametrize(("rule", "method"), EACH)
def test_a_stranger_is_sent_to_sign_in(stage: Stage, rule: str, method: str) -> None:
    page = stage.app.test_client().open(_address(rule), method=method)

    assert page.status_code == 303
    assert page.headers["Location"].startswith("/sign-in")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/support/organizations/nobody", "there is no organization nobody"),
        ("/support/organizations/NOBODY", "there is no organization NOBODY"),
        (f"/support/invoices/{STARRING}.1999-01-01", "there is no billing cycle"),
        ("/support/invoices/x", "there is no billing cycle x"),
        ("/support/cases/nobody.c1", "there is no case"),
        ("/support/change-requests/99999999", "there is no change request"),
        ("/support/discrepancies/x/do/resolve", "there is no open discrepancy x"),
        (f"/support/organizations/{STARRING}/do/dance", "there is no action dance"),
        (f"/support/organizations/{STARRING}/do/__class__", "there is no action"),
    ],
)
def test_what_is_not_there_is_said_so(stage: Stage, path: str, words: str) -> None:
    page = stage.client().get(path)

    assert page.status_code == 404
    assert words in page.text


@pytest.mark.parametrize(
    "query",
    ["after=99999999999999999999", "after=-1", "after=%C2%B2", "before=x", "status=odd&state=odd"],
)
@pytest.mark.parametrize("path", [rule for rule in RULES if "<" not in rule])
def test_odd_addresses_are_no_trouble(stage: Stage, path: str, query: str) -> None:
    assert stage.client().get(f"{path}?{query}").status_code == 200


@pytest.mark.parametrize("odd", ["%00", "a%00b", "%ED%A0%80", "%ff", "%F0%9F%92%A9"])
@pytest.mark.parametrize(
    "path",
    [
        "/support?q=ODD",
        "/support/cases?organization=ODD&cycle=ODD",
        "/support/cases/ODD",
        "/support/change-requests/ODD",
        "/support/discrepancies/ODD/do/resolve",
        "/support/invoices/acme.2026-10-01/lines/ODD",
        "/support/invoices/acme.2026-10-01?known_at=ODD",
        "/support/organizations/acme/usage?source=ODD&id=ODD&cursor=ODD",
        "/support/quarantine?code=ODD",
    ],
)
def test_odd_characters_are_no_fault_of_ours(stage: Stage, path: str, odd: str) -> None:
    assert stage.client().get(path.replace("ODD", odd)).status_code in (200, 404, 422)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("acme", "Acme Robotics"),
        ("robot", "Acme Robotics"),
        ("ada@acme.example", "Acme Robotics"),
        ("no such thing", "Nothing is called so."),
    ],
)
def test_the_desk_finds(stage: Stage, text: str, words: str) -> None:
    page = stage.client().get("/support", query_string={"q": text})

    assert words in shown(page.text).text


def test_the_desk_finds_an_invoice_by_its_number_and_stripes_id(stage: Stage) -> None:
    first = stage.wired.books.cycle_names(STARRING)[0]
    view = stage.wired.invoices.get(first)

    for text in (view.number, view.stripe.invoice, first):
        page = stage.client().get("/support", query_string={"q": text})
        assert f'href="/support/invoices/{first}"' in page.text


def test_the_desk_refuses_what_is_too_long(stage: Stage) -> None:
    page = stage.client().get("/support", query_string={"q": "x" * 201})

    assert page.status_code == 422
    assert 'id="q-wrong"' in page.text


def test_an_organization_at_a_glance(stage: Stage) -> None:
    page = shown(stage.client().get(f"/support/organizations/{STARRING}").text)

    known = stage.wired.registration.get(STARRING)
    for text in ("Acme Robotics", "ada@acme.example", "Europe/Berlin", known.stripe_customer or ""):
        assert text in page.text
    assert "outage in Frankfurt" in page.text, "its credit"
    assert "sync_interval_s" in page.text, "its policies"
    assert not any("stripe.com" in each.get("href", "") for each in page.attributes("a")), (
        "in the sandbox there is no Dashboard"
    )


def test_a_closed_organization(stage: Stage) -> None:
    organization = registered(stage, "see-closed", "Gone Ltd")
    call(stage, "POST", f"/v1/organizations/{organization}/close", {"reason": "they left"})
    for _ in range(2):
        issued(stage, organization)

    page = stage.client().get(f"/support/organizations/{organization}")

    assert page.status_code == 200
    assert "Gone Ltd" in page.text


def test_a_new_organization_with_nothing(stage: Stage) -> None:
    registered(stage, "see-empty", starts_at=None)

    page = shown(stage.client().get("/support/organizations/see-empty").text)

    for text in ("Nothing is attached.", "Never reported a problem.", "no customer yet"):
        assert text in page.text


def test_what_a_customer_was_told(stage: Stage) -> None:
    first = stage.wired.books.cycle_names(STARRING)[0]

    page = shown(stage.client().get(f"/support/organizations/{STARRING}/notices").text)

    assert f"An invoice was issued. invoice.issued {first} the customer" in page.text


def _usage_path(**asked: str) -> str:
    query = "&".join(f"{name}={quote(value)}" for name, value in asked.items())
    return f"/support/organizations/{STARRING}/usage?{query}"


def test_usage_is_found_by_meter_time_and_id(stage: Stage) -> None:
    client = stage.client()
    begun = stage.wired.invoices.get(current(stage, STARRING)).invoice.period.start

    found = client.get(_usage_path(meter="egress_gb", **{"from": begun.isoformat()}))
    rows = re.findall(r"correct\?source=([^&]+)&amp;id=([^\"]+)", found.text)
    assert rows
    assert "cpu_seconds" not in found.text
    source, id_ = rows[0]
    one = client.get(_usage_path(source=source, id=id_))
    assert len(re.findall(r"retract\?", one.text)) == 1
    assert shown(client.get(_usage_path(id="none")).text).text.count("No usage record is so") == 1


def test_usage_is_paged(stage: Stage) -> None:
    first = shown(stage.client().get(_usage_path(meter="cpu_seconds")).text)
    link = next(each["href"] for each in first.attributes("a") if each.get("rel") == "next")

    second = stage.client().get(f"/support/organizations/{STARRING}/usage{link}")

    ids = [re.findall(r"id=([^\"]+)", page) for page in (second.text,)]
    assert second.status_code == 200
    assert "cpu_seconds" in second.text
    assert ids


@pytest.mark.parametrize(("name", "text"), [("from", "noon"), ("to", "2026-02-30 10:00")])
def test_an_odd_time_is_refused_beside_its_field(stage: Stage, name: str, text: str) -> None:
    page = stage.client().get(_usage_path(**{name: text}))

    assert page.status_code == 422
    assert f'id="{name}-wrong"' in page.text


def test_an_invoice_through_time_adds_up(stage: Stage) -> None:
    client, cycle = stage.client(), current(stage, STARRING)
    path = f"/support/invoices/{cycle}"
    story = stage.wired.invoices.history(cycle)
    now = stage.wired.invoices.get(cycle)

    for entry in story[:: max(len(story) // 5, 1)]:
        at = entry.recorded_at.isoformat()
        page = client.get(path, query_string={"known_at": at})
        then = stage.wired.invoices.get(cycle, known_at=entry.recorded_at)
        assert page.status_code == 200
        assert _totals(page.text) == [then.invoice.subtotal, now.invoice.subtotal]
        diff = client.get(f"{path}/diff", query_string={"from": at})
        causes = stage.wired.diffing.diff(cycle, entry.recorded_at).causes
        assert sum(each.amount for each in causes) == _totals(page.text)[1] - _totals(page.text)[0]
        assert all(shown(diff.text).text.count(" ".join(each.what.split())) for each in causes)


def _totals(html: str) -> list[int]:
    foot = html.split("<tfoot>")[1].split("</tfoot>")[0]
    return [int(text.replace(",", "").replace(".", "")) for text in
            re.findall(r'number">([\d,.]+) USD', foot)]  # fmt: skip


def test_the_slider_answers_a_fragment(stage: Stage) -> None:
    path = f"/support/invoices/{current(stage, STARRING)}"

    whole = stage.client().get(f"{path}?step=0")
    part = stage.client().get(f"{path}?step=0", headers={"HX-Request": "true"})

    assert "<html" not in part.text
    assert part.text.strip() in whole.text


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("known_at=noon", "write it as"),
        ("known_at=2999-01-01T00:00:00Z", "lies in the future"),
        ("known_at=1999-01-01T00:00:00Z", "not known yet"),
        ("as_of=1999-01-01T00:00:00Z", "had not begun by then"),
        ("clock=odd&step=1", ""),
    ],
)
def test_an_instant_without_an_invoice_is_told(stage: Stage, query: str, words: str) -> None:
    page = stage.client().get(f"/support/invoices/{current(stage, STARRING)}?{query}")

    assert page.status_code == 200
    assert words in page.text


def test_the_story_is_told_to_its_end(stage: Stage) -> None:
    cycle = stage.wired.books.cycle_names(STARRING)[0]
    client, path, told = stage.client(), f"/support/invoices/{cycle}/story", ""
    while path:
        page = client.get(path).text
        told += shown(page).text
        link = re.search(r'rel="next" href="([^"]+)"', page)
        path = link[1] if link else ""

    story = stage.wired.invoices.history(cycle)
    assert all(" ".join(each.what.split()) in told for each in story)
    assert all(each.actor in told for each in story)


def test_every_line_is_explained_to_its_records(stage: Stage) -> None:
    cycle = stage.wired.books.cycle_names(STARRING)[0]

    for line in stage.wired.invoices.get(cycle).invoice.lines:
        page = stage.client().get(f"/support/invoices/{cycle}/lines/{quote(line.key, safe='')}")
        explained = stage.wired.invoices.explain(cycle, line.key, limit=50)
        assert page.status_code == 200
        text = shown(page.text).text
        assert all(" ".join(step.what.split()) in text for step in explained.steps)
        assert page.text.count("/do/retract?") == len(explained.usage)
        assert ("Next page" in text) == (explained.next_cursor is not None)


def test_two_instants_that_are_not_in_order_are_refused(stage: Stage) -> None:
    path = f"/support/invoices/{current(stage, STARRING)}/diff"

    page = stage.client().get(f"{path}?from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z")

    assert page.status_code == 422
    assert "must not lie before" in page.text


def test_pages_say_how_long_they_took_and_are_not_kept(stage: Stage) -> None:
    page = stage.client().get("/support")

    assert page.headers["Server-Timing"].startswith("app;dur=")
    assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["", "/organizations/acme", "/invoices/CYCLE", "/quarantine"])
def test_a_first_load_is_small(stage: Stage, path: str) -> None:
    client = stage.client()
    page = client.get(f"/support{path.replace('CYCLE', current(stage, STARRING))}")
    found = shown(page.text)
    assets = [each["src"] for each in found.attributes("script")]
    assets += [each["href"] for each in found.attributes("link")]

    size = len(page.data)
    for asset in assets:
        with client.get(asset) as answer:
            size += len(answer.data)

    assert len(assets) >= 4
    assert size < FIRST_LOAD_MAX


@pytest.fixture(scope="module")
def hostile(stage: Stage) -> str:
    """An organization all whose texts want to be more than texts."""
    organization = registered(stage, "see-hostile", PAYLOADS[0])
    path = f"/v1/organizations/{organization}"
    at = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    for number, text in enumerate(PAYLOADS):
        item = {"item": f"i{number}", "description": text, "amount": 100, "currency": "usd"}
        call(stage, "POST", f"{path}/items", {**item, "reason": text})
        call(stage, "POST", f"{path}/cases", {"text": text, "case": f"c{number}"})
        credit = {"credit": f"k{number}", "amount": 1, "currency": "usd", "reason": text}
        call(stage, "POST", f"{path}/credits", credit)
    cycle = current(stage, organization)
    call(stage, "POST", f"/v1/invoices/{cycle}/hold", {"reason": PAYLOADS[1], "owner": PAYLOADS[2]})
    call(stage, "PUT", f"/v1/invoices/{cycle}/feedback", {"clear": False, "comment": PAYLOADS[3]})
    call(stage, "POST", f"/v1/cases/{organization}.c1/acknowledge")
    call(
        stage,
        "POST",
        f"/v1/cases/{organization}.c1/comment",
        {"text": PAYLOADS[4], "visibility": "internal"},
    )
    records = [
        {
            "source": text,
            "id": text,
            "organization": organization,
            "meter": meter,
            "value": "1",
            "occurred_at": at,
            "properties": {"region": text},
        }
        for text in PAYLOADS
        for meter in ("egress_gb", "no-meter")
    ]
    call(stage, "POST", "/v1/usage", records)
    project(stage)
    return organization


def _hostile_pages(stage: Stage, organization: str) -> dict[str, Any]:
    cycle, base = current(stage, organization), f"/support/organizations/{organization}"
    item = quote("item/i1", safe="")
    query = {name: PAYLOADS[5] for name in ("q", "meter", "source", "reason", "status", "from")}
    return {
        base: None,
        f"{base}/usage": None,
        f"{base}/notices": None,
        f"{base}/do/item": {"description": PAYLOADS[3], "reason": PAYLOADS[7]},
        f"{base}/do/end-discount": query,
        f"/support/invoices/{cycle}": None,
        f"/support/invoices/{cycle}?step=1": None,
        f"/support/invoices/{cycle}/story": None,
        f"/support/invoices/{cycle}/stripe": None,
        f"/support/invoices/{cycle}/lines/{item}": None,
        f"/support/invoices/{cycle}/do/waive": {"line": PAYLOADS[5]},
        f"/support/invoices/{cycle}/diff": {"from": PAYLOADS[3]},
        f"/support/cases/{organization}.c1": None,
        "/support": {"q": PAYLOADS[3]},
        "/support/cases": {"organization": PAYLOADS[3], "cycle": PAYLOADS[5]},
        "/support/feedback": {"show": "all"},
        "/support/quarantine": {"code": PAYLOADS[3], "status": PAYLOADS[3]},
        "/support/quarantine?": None,
        "/support/change-requests": {"state": PAYLOADS[3]},
    }


def test_texts_stay_texts(stage: Stage, hostile: str) -> None:
    client = stage.client(role="admin")
    seen = ""
    for path, query in _hostile_pages(stage, hostile).items():
        page = client.get(path, query_string=query) if query else client.get(path)
        found = shown(page.text)
        assert page.status_code in (200, 422), path
        assert not _dangers(found), path
        seen += "".join(found.texts)

    assert {text for text in PAYLOADS if text not in seen} == set(), "each was shown, as it is"


def _dangers(page: Any) -> list[str]:
    """Elements and attributes that no page of ours has."""
    found = [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    found += [tag for tag, _ in page.tags if tag in ("iframe", "base", "style", "svg", "math")]
    found += [
        attributes.get("src", "inline")
        for attributes in page.attributes("script")
        if attributes.get("src", "").split("/")[-1].split("?")[0] not in OURS
    ]
    found += [
        attributes[name]
        for _, attributes in page.tags
        for name in ("href", "action", "src", "hx-get")
        if not attributes.get(name, "/").startswith(("/", "#", "?"))
    ]
    return found


def test_links_of_a_line_say_which_line(stage: Stage) -> None:
    view = stage.wired.invoices.current(STARRING).invoice
    text = stage.client().get(f"/support/invoices/{view.invoice.cycle}").text

    for line in view.invoice.lines:
        for what in ("Waive", "Override"):
            assert f'aria-label="{what} {described(line)}"' in text
