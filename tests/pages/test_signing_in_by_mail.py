"""Signing in by e-mail at the page: the same answer for everybody, and a link that lets one in."""

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser, ViewportSize, expect
from werkzeug.serving import make_server

from adapters.postgres.database import Database
from api.app import create_app
from api.pages.signing_in import SENT, TOO_OFTEN
from api.wiring import Wired, wire
from application.signing_in_by_mail import OF_A_CLIENT_MAX
from tests.mailed import Inbox, inbox, recipients, smtp
from tests.pages.stage import STARRING, Stage, free_port, visiting

__all__ = ["inbox", "smtp"]

NARROW = ViewportSize(width=390, height=844)


@pytest.fixture
def mailing(stage: Stage, smtp: str) -> Iterator[Wired]:
    """The same service with a mail server, and nobody who has asked yet."""
    settings = replace(
        stage.wired.settings,
        port=free_port(),
        smtp_url=smtp,
        mail_from="billing@cloud.example",
    )
    url = str(settings.database_url)
    with Database(url).connection() as connection:
        connection.execute("TRUNCATE sign_in_request")
    with wire(settings, url) as wired:
        yield wired


def ask(client: FlaskClient, address: str) -> str:
    response = client.post("/sign-in", data={"email": address})
    assert (response.status_code, response.headers["Location"]) == (303, "/sign-in")
    return client.get("/sign-in").text


def test_a_member_follows_the_link(mailing: Wired, inbox: Inbox) -> None:
    member, address = sorted(mailing.directory.get(STARRING).emails.items())[0]
    client, links = create_app(mailing).test_client(), mailing.notifying.sending_links
    assert links is not None

    known, unknown = ask(client, address), ask(client, "nobody@nowhere.example")
    while links.step(datetime.now(UTC)):
        pass

    assert SENT in known and SENT in unknown
    assert recipients(inbox) == [address]
    text = inbox.got[0][2].get_body(("plain",))
    assert text is not None
    found = re.findall(rf"{mailing.settings.origin}(/sign-in/\S+)", text.get_content())
    assert client.post(found[0]).headers["Location"] == "/billing"
    assert f"Signed in as member:{member}." in client.get(f"/billing/{STARRING}").text


def test_what_is_no_address_is_said_beside_it(mailing: Wired) -> None:
    response = create_app(mailing).test_client().post("/sign-in", data={"email": "a <b>"})

    assert response.status_code == 422
    assert "Write an e-mail address" in response.text
    assert 'value="a &lt;b&gt;"' in response.text


def test_one_client_asks_for_so_many(mailing: Wired) -> None:
    client = create_app(mailing).test_client()
    for number in range(OF_A_CLIENT_MAX):
        ask(client, f"a{number}@b.c")

    response = client.post("/sign-in", data={"email": "a@b.c"})

    assert (response.status_code, response.headers["Retry-After"]) == (429, "3600")
    assert TOO_OFTEN in response.text


def test_without_a_mail_server_nobody_is_asked_for_an_address(stage: Stage) -> None:
    client = stage.app.test_client()

    assert "E-mail address" not in client.get("/sign-in").text
    assert client.post("/sign-in", data={"email": "a@b.c"}).status_code == 404


def test_no_other_site_asks(mailing: Wired) -> None:
    client = create_app(mailing).test_client()

    response = client.post(
        "/sign-in", data={"email": "a@b.c"}, headers={"Sec-Fetch-Site": "cross-site"}
    )

    assert response.status_code == 403


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_a_browser(mailing: Wired, stage: Stage, browser: Browser, scheme: str) -> None:
    app, settings = create_app(mailing), mailing.settings
    served = replace(stage, wired=mailing, app=app, base=settings.origin)
    server = make_server(settings.host, settings.port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with visiting(served, browser, color_scheme=scheme, viewport=NARROW) as visit:
            page = visit.go("/sign-in")
            visit.assert_accessible()
            page.get_by_label("E-mail address").fill("nobody@nowhere.example")
            visit.shoot(f"sign-in-mail-{scheme}")
            page.get_by_role("button", name="Send me a link").click()
            expect(page.get_by_role("status")).to_contain_text("on its way")
            page.get_by_text("Sign in with a key").click()
            expect(page.get_by_label("Key", exact=True)).to_be_visible()
            visit.assert_accessible()
            visit.shoot(f"sign-in-sent-{scheme}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
