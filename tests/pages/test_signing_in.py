"""Signing in with links and keys, and out again; what forged requests come to."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from playwright.sync_api import expect

from adapters.postgres.database import Database
from adapters.postgres.web_sessions import PostgresSessions
from api.app import create_app
from api.context import RATE_LIMITS
from api.links import Links
from api.pages.page import COOKIE
from api.rate_limits import BURST_S, STRANGERS_PER_S, RateLimits
from application.signing_in import Sessions, Visitor
from domain.errors import StoreUnavailable
from tests.pages.stage import STARRING, Open, Stage

OWNER = {"user": "ada", "email": "ada@leavers.example", "role": "owner"}
LEAVER = {"user": "eve", "email": "eve@leavers.example", "role": "billing"}


def test_a_link_signs_in_once(stage: Stage) -> None:
    link = stage.link(STARRING)
    first, second = stage.app.test_client(), stage.app.test_client()

    assert first.get(link).status_code == 200, "looking at a link does not use it up"
    assert first.post(link).headers["Location"] == "/billing"
    assert first.get_cookie(COOKIE) is not None

    refused = second.post(link)
    assert refused.status_code == 409
    assert "this link has been used" in refused.text
    assert second.get_cookie(COOKIE) is None


def test_a_link_is_made_over_the_api_and_says_who_made_it(stage: Stage) -> None:
    secret = stage.wired.keys.create("support", actor="test")
    api, headers = stage.app.test_client(), {"Authorization": f"Bearer {secret}"}
    where = f"/v1/organizations/{STARRING}/sign-in-links"

    made = api.post(where, json={}, headers=headers).get_json()
    unknown = api.post(where, json={"user": "nobody"}, headers=headers)

    customer = stage.app.test_client()
    signed_in = customer.post(made["url"].removeprefix(stage.wired.settings.origin))
    assert signed_in.headers["Location"] == "/billing"
    assert (unknown.status_code, "no member nobody" in unknown.text) == (404, True)
    with psycopg.connect(str(stage.wired.settings.database_url)) as connection:
        row = connection.execute(
            "SELECT actor, role, used_at IS NOT NULL FROM sign_in_link WHERE made_by = %s",
            [f"key:{secret[:11]}"],
        ).fetchall()
    assert row == [(f"customer:{STARRING}", "organization", True)]


@pytest.mark.parametrize(
    ("expires_in", "spoil", "status", "words"),
    [
        pytest.param(timedelta(seconds=-1), "", 409, "time is over", id="expired"),
        pytest.param(timedelta(hours=1), "x", 404, "not one of ours", id="altered"),
    ],
)
def test_a_link_is_refused(
    stage: Stage, expires_in: timedelta, spoil: str, status: int, words: str
) -> None:
    visitor = Visitor(actor="staff:eve", role="admin")
    url = Links(stage.wired.settings).address("l1", visitor, datetime.now(UTC) + expires_in)

    response = stage.app.test_client().get(url.removeprefix(stage.wired.settings.origin) + spoil)

    assert response.status_code == status
    assert words in response.text


def test_a_key_signs_in_and_its_end_signs_out(stage: Stage) -> None:
    secret = stage.wired.keys.create("support", actor="test")
    client = stage.app.test_client()

    assert client.post("/sign-in", data={"key": secret}).headers["Location"] == "/support"
    assert client.get("/").headers["Location"] == "/support"

    stage.wired.keys.revoke(secret[:11], actor="test")
    assert client.get("/").headers["Location"] == "/sign-in"


@pytest.mark.parametrize(
    ("role", "words"),
    [("ingest", "is for services"), ("", "unknown or revoked")],
)
def test_a_key_is_refused_beside_its_field(stage: Stage, role: str, words: str) -> None:
    secret = stage.wired.keys.create(role, actor="test") if role else "ck_nobody"

    response = stage.app.test_client().post("/sign-in", data={"key": secret})

    assert response.status_code == 422
    assert words in response.text
    assert secret not in response.text


def test_whoever_guesses_keys_has_to_wait(stage: Stage) -> None:
    secret = stage.wired.keys.create("support", actor="test")
    app = create_app(stage.wired)
    app.extensions[RATE_LIMITS] = RateLimits(stage.wired.settings, lambda: 0.0)
    client, there = app.test_client(), {"REMOTE_ADDR": "192.0.2.1"}

    for _ in range(STRANGERS_PER_S * BURST_S):
        guess = client.post("/sign-in", data={"key": "ck_nobody"}, environ_base=there)
        assert guess.status_code == 422
    refused = client.post("/sign-in", data={"key": secret}, environ_base=there)

    assert refused.status_code == 429
    assert "try again in 1 s" in refused.text
    assert client.post("/sign-in", data={"key": secret}).status_code == 303, "from elsewhere"


def test_a_member_who_was_removed_is_signed_out(stage: Stage) -> None:
    who = "leavers"
    details = {"name": "Leavers", "currency": "usd", "members": [OWNER, LEAVER]}
    secret = stage.wired.keys.create("admin", actor="test")
    api, headers = stage.app.test_client(), {"Authorization": f"Bearer {secret}"}
    api.put(f"/v1/organizations/{who}", json=details, headers=headers)
    made = [
        api.post(f"/v1/organizations/{who}/sign-in-links", json={"user": "eve"}, headers=headers)
        for _ in range(2)
    ]
    links = [each.get_json()["url"].removeprefix(stage.wired.settings.origin) for each in made]
    client = stage.app.test_client()
    client.post(links[0])
    assert client.get("/").headers["Location"] == "/billing"

    api.put(f"/v1/organizations/{who}", json=details | {"members": [OWNER]}, headers=headers)

    assert client.get("/").headers["Location"] == "/sign-in"
    client.post(links[1])
    assert client.get("/").headers["Location"] == "/sign-in", "a link of before leads nowhere"


def test_signing_out_ends_the_session_everywhere(stage: Stage) -> None:
    client, thief = stage.client(STARRING), stage.app.test_client()
    token = client.get_cookie(COOKIE)
    assert token is not None
    thief.set_cookie(COOKIE, token.value)

    forged = client.post("/sign-out")
    assert forged.status_code == 403, "no token of the page"
    signed_out = client.post("/sign-out", data={"csrf": _token(client.get("/sign-in").text)})

    assert signed_out.headers["Location"] == "/sign-in"
    assert thief.get("/").headers["Location"] == "/sign-in"


def _token(html: str) -> str:
    return html.split('name="csrf" value="')[1].split('"')[0]


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://[evil"},
    ],
    ids=["by its fetch metadata", "by its origin", "by having none", "by one that is no address"],
)
def test_nobody_is_signed_in_from_another_site(stage: Stage, headers: dict[str, str]) -> None:
    response = stage.app.test_client().post(stage.link(STARRING), headers=headers)

    assert response.status_code == 403


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_signing_in_leads_to_no_other_site(stage: Stage, to: str) -> None:
    secret = stage.wired.keys.create("support", actor="test")

    response = stage.app.test_client().post("/sign-in", data={"key": secret, "next": to})

    assert response.headers["Location"] == "/support"


@pytest.mark.parametrize(
    ("there", "back"),
    [("https://x/billing/acme?page=2", "%2Fbilling%2Facme"), ("", ""), ("https://[x", "%2F")],
)
def test_a_part_of_a_page_leads_the_whole_to_where_one_signs_in(
    stage: Stage, there: str, back: str
) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": there}

    response = stage.app.test_client().get("/billing", headers=headers)

    assert response.headers["HX-Redirect"] == f"/sign-in?next={back}"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(stage: Stage) -> None:
    response = stage.app.test_client().post(stage.link(STARRING))

    cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


class Away(PostgresSessions):
    """A store that does not answer."""

    def find(self, digest: bytes) -> Visitor | None:
        raise StoreUnavailable("the database does not answer")


def test_while_the_store_is_away_a_page_says_so(stage: Stage) -> None:
    sessions = Sessions(Away(Database(str(stage.wired.settings.database_url))))
    client = create_app(replace(stage.wired, sessions=sessions)).test_client()
    client.set_cookie(COOKIE, "somebody")

    response = client.get("/billing")

    assert response.status_code == 503
    assert "the database does not answer" in response.text


def test_in_a_browser(stage: Stage, open_window: Open) -> None:
    visit = open_window()

    page = visit.go("/sign-in")
    visit.assert_accessible()
    visit.shoot("sign-in")

    page.get_by_label("Key").fill("ck_wrong")
    with page.expect_response(lambda answer: answer.status == 422):
        page.get_by_role("button", name="Sign in").click()
    assert page.get_by_label("Key").get_attribute("aria-invalid") == "true"
    visit.troubles.clear()  # the browser tells of every 422


def test_what_was_typed_is_there_again_after_the_session_ended(
    stage: Stage, open_window: Open
) -> None:
    visit = open_window()
    visit.sign_in(STARRING)
    window = visit.go(f"/billing/{STARRING}/cases/new")
    window.get_by_label("What is wrong?").fill("A long story.")
    window.context.clear_cookies()
    window.get_by_role("button", name="Send the report").click()

    expect(window.get_by_text("This window keeps it")).to_be_visible()
    visit.assert_accessible()
    visit.sign_in(STARRING)
    window = visit.go(f"/billing/{STARRING}/cases/new")

    expect(window.get_by_label("What is wrong?")).to_have_value("A long story.")
    expect(window.get_by_role("status")).to_contain_text("filled in again")
    visit.go(f"/billing/{STARRING}/cases/new")
    expect(window.get_by_label("What is wrong?")).to_have_value("")


def test_what_was_typed_is_nobody_elses(stage: Stage, open_window: Open) -> None:
    visit = open_window()
    visit.sign_in(STARRING)
    window = visit.go(f"/billing/{STARRING}/cases/new")
    window.get_by_label("What is wrong?").fill("A long story.")
    window.context.clear_cookies()
    window.get_by_role("button", name="Send the report").click()
    expect(window.get_by_text("This window keeps it")).to_be_visible()

    visit.sign_in(name="jane")

    assert window.evaluate("sessionStorage.length") == 0
