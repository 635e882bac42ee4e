"""Webhook endpoints over HTTP: made, changed, rotated, tested; and what they were sent."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask

from api.settings import Settings
from api.wiring import Wired, wire
from api.worker import Work, loops
from application.notices import KINDS, Notice
from application.signing import headers, new_secret
from tests.api.conftest import CYCLE, Caller
from tests.api.test_life import done
from tests.api.test_usage import record
from tests.api.test_worker import wait_until
from tests.receiver import Receiver, receiving

ALL = "/v1/webhook-endpoints"
URL = "https://erp.example/hook"


def made(admin: Caller, **body) -> dict:
    return done(admin("POST", ALL, {"url": URL, **body}), 201)


def tell(wired: Wired, number: int) -> None:
    occurrence = f"invoice.paid/{number}"
    at = datetime.now(UTC)
    wired.notices.announce(
        [Notice(kind="invoice.paid", organization="acme", occurrence=occurrence, at=at)]
    )


def test_a_secret_is_shown_where_it_is_made_and_nowhere_else(admin: Caller) -> None:
    endpoint = made(admin, kinds=["invoice.paid"], description="our ERP")
    path = f"{ALL}/{endpoint['id']}"
    assert endpoint["secret"].startswith("whsec_")
    rotated = done(admin("POST", f"{path}/rotate", {"grace_s": 60}), 201)
    assert rotated["secret"] != endpoint["secret"]
    shown = done(admin("GET", path))
    for answer in (shown, done(admin("GET", ALL)), done(admin("PATCH", path, {}))):
        assert "whsec_" not in str(answer)
    assert (shown["kinds"], shown["description"]) == (["invoice.paid"], "our ERP")
    assert shown["old_secret_until"] is not None


def test_it_is_changed_disabled_enabled_and_deleted(admin: Caller) -> None:
    path = f"{ALL}/{made(admin)['id']}"
    changed = done(admin("PATCH", path, {"kinds": ["invoice.paid"], "description": "x"}))
    assert (changed["kinds"], changed["url"]) == (["invoice.paid"], URL)
    assert done(admin("PATCH", path, {"kinds": None}))["kinds"] is None
    off = done(admin("PATCH", path, {"enabled": False}))
    assert (off["enabled"], off["disabled_reason"]) == (False, "disabled by hand")
    refused = admin("POST", f"{path}/test")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "endpoint_disabled")
    on = done(admin("PATCH", path, {"enabled": True}))
    assert (on["enabled"], on["disabled_reason"]) == (True, None)
    done(admin("DELETE", path))
    assert [admin(method, path).status_code for method in ("GET", "DELETE")] == [404, 404]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": "http://erp.example/"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://169.254.169.254/latest"}, "url"),
        ({"url": "https://[::1]/"}, "url"),
        ({"url": URL, "kinds": ["odd"]}, "kinds"),
        ({"url": URL, "kinds": []}, "kinds"),
        ({"url": URL, "secret": "mine"}, "secret"),
    ],
)
def test_what_cannot_be_is_refused_by_name(admin: Caller, body: dict, field: str) -> None:
    answer = admin("POST", ALL, body)
    assert answer.status_code == 422
    assert any(each["field"].startswith(field) for each in answer.get_json()["errors"])
    if "url" in body and field == "url":
        path = f"{ALL}/{made(admin)['id']}"
        assert admin("PATCH", path, body).status_code == 422


def test_what_it_was_sent_is_listed(admin: Caller, wired: Wired) -> None:
    endpoint = made(admin)["id"]
    for number in range(3):
        tell(wired, number)
    path = f"{ALL}/{endpoint}/deliveries"
    first = done(admin("GET", f"{path}?limit=2"))
    rest = done(admin("GET", f"{path}?limit=2&cursor={first['next_cursor']}"))
    rows = first["data"] + rest["data"]
    assert [each["organization"] for each in rows] == ["acme"] * 3
    assert rest["next_cursor"] is None
    assert [each["status"] for each in rows] == ["waiting"] * 3
    # Only the first of its line is due; the others wait for it.
    assert [each["next_try_at"] is None for each in rows] == [True, True, False]
    assert done(admin("GET", f"{path}?status=delivered"))["data"] == []
    number = rows[0]["number"]
    assert done(admin("POST", f"{path}/{number}/redeliver"), 202)["number"] == number
    assert admin("POST", f"{path}/99/redeliver").status_code == 404
    assert admin("POST", f"{path}/{'9' * 30}/redeliver").status_code == 404
    assert admin("GET", f"{ALL}/we_0/deliveries").status_code == 404


def test_who_did_what_stands_beside_the_endpoints(admin: Caller, database_url: str) -> None:
    path = f"{ALL}/{made(admin)['id']}"
    done(admin("POST", f"{path}/rotate", {}), 201)
    done(admin("PATCH", path, {"enabled": False}))
    done(admin("DELETE", path))
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT event, actor FROM webhook_endpoint_event ORDER BY number"
        ).fetchall()
    actor = f"key:{admin.key[:11]}"
    assert rows == [(each, actor) for each in ("created", "rotated", "changed", "deleted")]


class TestOnThisMachine:
    """With ``WEBHOOK_ALLOW_LOCAL`` the whole way can be tried."""

    @pytest.fixture
    def receiver(self) -> Iterator[Receiver]:
        with receiving() as receiver:
            yield receiver

    @pytest.fixture
    def wired(self, database_url: str, sandbox_app: Flask) -> Iterator[Wired]:
        given = {"DATABASE_URL": database_url, "THREADS": "2", "WEBHOOK_ALLOW_LOCAL": "true"}
        with wire(Settings.from_environment(given), database_url) as wired:
            yield wired

    def test_a_test_arrives(self, admin: Caller, wired: Wired, receiver: Receiver) -> None:
        endpoint = done(admin("POST", ALL, {"url": receiver.url}), 201)["id"]
        sent = done(admin("POST", f"{ALL}/{endpoint}/test"), 202)
        at = datetime.now(UTC) + timedelta(seconds=1)
        assert wired.notifying.delivering.step(lambda: at)
        (got,) = receiver.got
        (row,) = done(admin("GET", f"{ALL}/{endpoint}/deliveries"))["data"]
        assert (row["number"], row["status"], row["answer"]) == (sent["number"], "delivered", 204)
        assert got.headers["webhook-id"] == row["notice"]

    def test_what_happens_arrives_by_itself(
        self, admin: Caller, acme: str, wired: Wired, receiver: Receiver
    ) -> None:
        done(admin("POST", ALL, {"url": receiver.url, "kinds": ["invoice.updated"]}), 201)
        work = Work(loops(wired, ["project", "notify"]))
        work.start()
        try:
            done(admin("POST", "/v1/usage", [record("k1", value="100")]))
            wait_until(lambda: bool(receiver.got))
        finally:
            work.stop()
        assert work.join(10)
        said = json.loads(receiver.got[0].body)
        assert (said["type"], said["cycle"], said["data"]["total"]) == (
            "invoice.updated",
            CYCLE,
            250,
        )


PAGES = Path(__file__).parents[2] / "docs"


def test_the_reference_lists_every_kind_and_whom_it_is_shown_to() -> None:
    page = (PAGES / "reference" / "webhooks.md").read_text("utf-8")
    rows = re.findall(r"^\| `([a-z_.]+)` \| [^|]+ \| *(✓?) *\|", page, re.M)
    assert {name: bool(mark) for name, mark in rows} == {
        name: kind.customers for name, kind in KINDS.items()
    }


def test_the_guides_way_to_verify_takes_ours_and_no_other() -> None:
    guide = (PAGES / "how-to" / "receive-webhooks.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", guide, re.S)
    names: dict[str, Any] = {}
    exec(code, names)
    old, new, now = new_secret(), new_secret(), datetime.now(UTC)
    sent = headers("ntc_1", now, b"{}", [new, old])
    assert names["verified"](old, sent, b"{}") and names["verified"](new, sent, b"{}")
    stale = headers("ntc_1", now - timedelta(minutes=6), b"{}", [new])
    assert not names["verified"](new, sent, b"{ }")
    assert not names["verified"](new_secret(), sent, b"{}")
    assert not names["verified"](new, sent | {"webhook-id": "ntc_2"}, b"{}")
    assert not names["verified"](new, stale, b"{}")
