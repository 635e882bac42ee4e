"""The log: what each line is about, and that nobody's secret or address stands in it."""

import io
import json
import logging
import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import stripe
from flask import Flask

from api.app import BOOKS
from api.logs import formatter, hidden
from api.settings import Settings
from api.wiring import Wired
from application.about import about, begin, facts, note
from application.projector import SyncClaim
from application.worker import Loop, SyncWorker, every
from tests.api.conftest import Caller
from tests.api.test_access import path_of
from tests.memory_queue import MemoryQueue
from tests.paced import Paced

NAME, EMAIL = "Canary Zwitscher", "canary.zwitscher@example.org"
LOG = logging.getLogger("cyclebook.tests")


@pytest.fixture(params=["text", "json"])
def lines(request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    """Everything that is logged from here on, as it would be written."""
    begin()
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    settings = Settings.from_environment(
        {"LOG_FORMAT": request.param, "METRICS_TOKEN": "hush-hush"}
    )
    handler.setFormatter(formatter(settings))
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream.getvalue
    root.removeHandler(handler)
    root.setLevel(level)
    begin()


def test_a_line_says_what_it_is_about(lines: Callable[[], str]) -> None:
    with about(cycle="acme.2026-01-01"):
        LOG.warning("late by %d s", 3)
    LOG.warning("nothing in particular")

    first, second = lines().splitlines()
    if first.startswith("{"):
        line = json.loads(first)
        assert (line["level"], line["message"], line["cycle"]) == (
            "WARNING",
            "late by 3 s",
            "acme.2026-01-01",
        )
        assert datetime.fromisoformat(line["at"]).tzinfo == UTC
        assert "cycle" not in json.loads(second)
    else:
        assert first == "WARNING cyclebook.tests: late by 3 s [cycle=acme.2026-01-01]"
        assert second == "WARNING cyclebook.tests: nothing in particular"


def test_a_traceback_stays_with_its_line(lines: Callable[[], str]) -> None:
    try:
        raise ValueError(f"no such thing as {EMAIL}")
    except ValueError as error:
        LOG.error("failed", exc_info=error)

    assert "ValueError: no such thing as …@…" in lines()
    assert EMAIL not in lines()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("key ck_abcdefgh0123456789", "key ck_abcdefgh…"),
        ("by key:ck_abcdefgh", "by key:ck_abcdefgh"),
        ("sk_live_51HqLyjWDarjtT1zdp7dc", "sk_live_…"),
        ("rk_test_51HqLyj", "rk_test_…"),
        ("whsec_abcdef", "whsec_…"),
        ("Authorization: Bearer eyJhbGciOi.x.y", "Authorization: Bearer …"),
        ("GET /sign-in/eyJpIjoiWjBIR1cxelNJYnJh.Eacy HTTP/1.1", "GET /sign-in/… HTTP/1.1"),
        ("amqps://cycle:book@rabbit/vhost", "amqps://…@rabbit/vhost"),
        ("told ada+billing@acme.co.uk", "told …@…"),
        ("token hush-hush", "token …"),
    ],
)
def test_secrets_and_addresses_are_left_out(text: str, left: str) -> None:
    assert hidden(text, ["hush-hush"]) == left


def test_a_failed_request_is_logged_with_its_id_and_what_it_was_about(
    app: Flask, admin: Caller, acme: str, lines: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(app.view_functions, "get_organization", broken)
    admin("GET", "/v1/organizations/acme", headers={"X-Request-Id": "req-7"})

    for part in ("req-7", "acme", "ZeroDivisionError"):
        assert part in lines()


def test_a_sync_is_logged_with_its_cycle() -> None:
    seen = []

    class One(MemoryQueue):
        def claim(self, limit: int = 1, *, high_only: bool = False) -> list[SyncClaim]:
            return [SyncClaim(cycle="a.2026-01-01", dirty_position=1, token=uuid4(), attempts=0)]

    worker = SyncWorker(One(), lambda cycle, actor: seen.append(dict(facts())))
    worker.step()

    assert seen == [{"cycle": "a.2026-01-01"}]
    assert dict(facts()) == {}


def test_a_failed_call_is_logged_with_the_id_that_stripe_gave_it(
    lines: Callable[[], str],
) -> None:
    paced = Paced(retries=0)
    answers = iter(["req_first", None, "req_third"])

    def spoil(response: Any) -> Any:
        request = next(answers)
        if request is None:
            raise stripe.APIConnectionError("cut off")
        return response[0], 500, {**response[2], "Request-Id": request}

    paced.spoil = spoil
    for cycle in ("a.2026-01-01", "b.2026-01-01", "c.2026-01-01"):
        SyncWorker(MemoryQueue(cycle), lambda cycle, actor: paced.make_customer()).step()

    told = [line for line in lines().splitlines() if "sync of" in line]
    for line, cycle, request in zip(told, "abc", ["req_first", None, "req_third"], strict=True):
        assert f"{cycle}.2026-01-01 failed" in line
        found = re.search(r"stripe_request\W+(\w+)", line)
        assert (found and found[1]) == request


def test_what_a_step_was_about_is_forgotten_by_the_next(lines: Callable[[], str]) -> None:
    stop, told = threading.Event(), iter(["first", "second"])

    def step() -> bool:
        word = next(told)
        LOG.warning("the %s step", word)
        note(stripe_request="req_7")
        if word == "second":
            stop.set()
        return True

    Loop("loop", step, every(timedelta())).run(stop)

    assert "the second step" in lines()
    assert "req_7" not in lines()


def test_no_line_and_no_table_holds_what_is_personal_or_secret(
    wired: Wired,
    app: Flask,
    caller: Callable[..., Caller],
    acme: str,
    database_url: str,
    lines: Callable[[], str],
) -> None:
    admin = caller()
    members = [{"user": "ada", "email": EMAIL, "role": "owner"}]
    body = {"name": NAME, "currency": "usd", "members": members}
    assert admin("PUT", "/v1/organizations/canary", body).status_code < 300
    personal = {"name": NAME, "email": EMAIL, "reason": EMAIL, "text": NAME, "url": EMAIL}
    for op in [op for book in BOOKS for op in book.ops]:
        headers = {"Cookie": admin.key, "Stripe-Signature": admin.key, "X-Request-Id": EMAIL}
        path = f"{path_of(op)}?q={EMAIL}&name={NAME}"
        admin(op.method, path, None if op.method == "GET" else personal, headers=headers)
        app.test_client().open(path, method=op.method, headers={"Authorization": EMAIL})
    LOG.warning("asked by %s", admin.key)

    assert [each for each in (NAME, EMAIL, admin.key) if each in lines()] == []
    assert _holding(database_url, admin.key) == set()
    held = _holding(database_url, NAME) | _holding(database_url, EMAIL)
    assert held == {"organization_directory", "member_directory"}


def _holding(url: str, canary: str) -> set[str]:
    """The tables with a row in which a text stands, as it is or as bytes."""
    with psycopg.connect(url) as connection:
        tables = [
            name
            for (name,) in connection.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                " AND relkind IN ('r', 'p') AND NOT relispartition"
            )
        ]
        found = set()
        for name in tables:
            rows = f"SELECT FROM {name} t WHERE strpos(t::text, %s) + strpos(t::text, %s) > 0"
            if connection.execute(rows.encode(), [canary, canary.encode().hex()]).fetchall():
                found.add(name)
    return found


def test_secrets_of_the_settings_are_left_out_wherever_they_stand() -> None:
    settings = Settings.from_environment({"METRICS_TOKEN": "hush-hush", "SMTP_URL": ""})
    record = logging.LogRecord("x", logging.ERROR, "x", 1, "refused: %s", ("hush-hush",), None)

    assert formatter(settings).format(record) == "ERROR x: refused: …"
