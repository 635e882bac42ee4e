"""Whatever others wrote stays text on every page of the console.

Makes the organization ``see-hostile``.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from tests.pages.staff import call, current, project, registered, shown
from tests.pages.stage import Stage

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
OURS = frozenset({"htmx.min.js", "cyclebook.js", "kept.js"})


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
