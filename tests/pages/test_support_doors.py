"""Who may see the console, and what odd addresses are answered."""

import re

import pytest

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
