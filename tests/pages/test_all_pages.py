"""What holds for every page: who may see it, what it carries, and what it loads."""

import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from api.pages.page import blueprint
from tests.pages.stage import STARRING, Stage

STATIC = Path(str(blueprint.static_folder))
VENDOR = STATIC / "vendor"
OTHER = "northwind"
FIRST_LOAD_MAX = 250_000


def pages(stage: Stage) -> list[Rule]:
    """Every address of a page that is read."""
    return [
        rule
        for rule in stage.app.url_map.iter_rules()
        if rule.endpoint.startswith("pages.")
        and rule.endpoint != "pages.static"
        and "GET" in (rule.methods or set())
    ]


def forms(stage: Stage) -> list[Rule]:
    """Every address that takes a form."""
    return [
        rule
        for rule in stage.app.url_map.iter_rules()
        if rule.endpoint.startswith("pages.") and "POST" in (rule.methods or set())
    ]


def path_of(rule: Rule, stage: Stage, organization: str) -> str:
    """An address with ids of an organization's own."""
    cycle = stage.wired.invoices.current(organization).invoice.invoice.cycle
    known = {"organization": organization, "cycle": cycle, "line": "usage%2Fa1%2Fcpu%401"}
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda each: known.get(each[1], "c1"), rule.rule)


OPEN = {"/", "/sign-in", "/sign-in/<token>"}
"""Whoever is not signed in may see these."""


def test_whoever_is_not_signed_in_is_sent_to_where_they_can(stage: Stage) -> None:
    client = stage.app.test_client()
    for rule in pages(stage):
        if rule.rule in OPEN:
            continue
        response = client.get(path_of(rule, stage, STARRING))
        assert response.status_code == 303, rule.rule
        assert response.headers["Location"].startswith("/sign-in?next="), rule.rule


def test_a_customer_sees_no_other_organization_and_no_page_of_staff(stage: Stage) -> None:
    client = stage.client(STARRING)
    for rule in [*pages(stage), *forms(stage)]:
        if rule.rule in OPEN | {"/sign-out", "/billing"}:
            continue
        method = "GET" if "GET" in (rule.methods or set()) else "POST"
        response = client.open(path_of(rule, stage, OTHER), method=method)
        staff_only = rule.rule.startswith(("/support", "/operations"))
        assert response.status_code == (403 if staff_only else 404), rule.rule
        assert OTHER.title() not in response.text, rule.rule


def test_no_form_is_taken_without_the_page_it_came_from(stage: Stage) -> None:
    customer, staff = stage.client(STARRING), stage.client(name="carol", role="admin")
    for rule in forms(stage):
        if rule.rule in OPEN:
            continue
        client = customer if rule.rule.startswith("/billing") else staff
        response = client.post(path_of(rule, stage, STARRING))
        assert response.status_code == 403, rule.rule
        assert "this form is not of this session" in response.text, rule.rule


def test_an_address_that_the_store_could_not_look_for_leads_nowhere(stage: Stage) -> None:
    clients = [stage.client(STARRING), stage.client()]
    csrf = [each.get("/sign-in").text.split('name="csrf" value="')[1][:64] for each in clients]
    for rule in [*pages(stage), *forms(stage)]:
        if "<" not in rule.rule or rule.rule in OPEN:
            continue
        path = re.sub(r"<(?:\w+:)?organization>", STARRING, rule.rule)
        path = re.sub(r"<(?:\w+:)?\w+>", "%00", path)
        for client, token in zip(clients, csrf, strict=True):
            method = "GET" if "GET" in (rule.methods or set()) else "POST"
            response = client.open(path, method=method, data={"csrf": token})
            assert response.status_code < 500, (method, path)


def test_every_answer_is_kept_from_caches_frames_and_foreign_scripts(stage: Stage) -> None:
    client = stage.client(name="carol", role="admin")
    for rule in pages(stage):
        headers = client.get(path_of(rule, stage, STARRING)).headers
        policy = headers["Content-Security-Policy"]
        assert "unsafe" not in policy and "default-src 'none'" in policy, rule.rule
        assert headers["X-Frame-Options"] == "DENY", rule.rule
        assert headers["Cache-Control"] == "no-store", rule.rule


def test_the_files_of_others_are_as_they_were_published() -> None:
    sums = dict(
        reversed(line.split("  ")) for line in (VENDOR / "SHA256SUMS").read_text().splitlines()
    )
    found = {each.name for each in VENDOR.iterdir() if each.suffix in (".js", ".css")}
    assert sums.keys() == found
    for name, digest in sums.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest, name
        assert (VENDOR / f"{name.partition('.')[0]}.LICENSE").exists(), name


class Loaded(HTMLParser):
    """What a page has the browser load, and what a strict policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.files: set[str] = set()
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "script" and given.get("src"):
            self.files.add(str(given["src"]))
        elif tag == "script":
            self.inline.append("<script>")
        if tag == "link" and given.get("rel") in ("stylesheet", "icon"):
            self.files.add(str(given["href"]))
        self.inline += [name for name in given if name == "style" or name.startswith("on")]


def loaded(html: str) -> Loaded:
    parser = Loaded()
    parser.feed(html)
    return parser


@pytest.mark.parametrize("organization", [STARRING, None], ids=["customer", "staff"])
def test_a_first_load_is_small_and_from_here_alone(stage: Stage, organization: str | None) -> None:
    client = stage.client(organization)
    for rule in pages(stage):
        response = client.get(path_of(rule, stage, STARRING))
        if response.status_code != 200:
            continue
        parts = loaded(response.text)
        assert parts.inline == [], rule.rule
        assert all(each.startswith("/static/") for each in parts.files), rule.rule
        weight = len(response.data) + sum(_weight(client, each) for each in parts.files)
        assert weight < FIRST_LOAD_MAX, (rule.rule, weight)


def _weight(client: FlaskClient, file: str) -> int:
    with client.get(file) as response:
        assert response.status_code == 200, file
        assert "immutable" in response.headers["Cache-Control"], file
        return len(response.data)
