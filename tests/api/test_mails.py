"""E-mails that are not sent: over the API and at the command line, without anybody's address."""

import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from adapters.postgres.database import Database
from adapters.postgres.sign_in_requests import PostgresSignInRequests
from tests.api.conftest import Caller
from tests.api.test_life import done

REFUSED = "the mail server refused it: 550"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def mails(database_url: str, admin: Caller) -> list[int]:
    """Numbers of e-mails: two that were given up, one that waits, one that was sent."""
    rows = [("given_up", REFUSED), ("given_up", REFUSED), ("waiting", None), ("sent", None)]
    with psycopg.connect(database_url) as connection:
        return [_mail(connection, *row) for row in rows]


def _mail(connection: psycopg.Connection[Any], status: str, error: str | None) -> int:
    row = connection.execute(
        "WITH told AS (INSERT INTO notice (occurrence, kind, organization, cycle, at, data)"
        " VALUES (gen_random_uuid()::text, 'invoice.issued', 'acme', 'acme.2026-01-01', now(),"
        " '{}')"
        " RETURNING number)"
        " INSERT INTO mail (notice, organization, member, status, attempts, error)"
        " SELECT number, 'acme', 'ada', %s, 1, %s FROM told RETURNING number",
        [status, error],
    ).fetchone()
    assert row is not None
    return int(row[0])


def listed(admin: Caller, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = done(admin("GET", f"/v1/mails{query}"))["data"]
    return found


def test_what_waits_or_was_given_up_is_listed_with_its_reason(
    admin: Caller, mails: list[int]
) -> None:
    assert [(each["number"], each["status"]) for each in listed(admin)] == [
        (mails[0], "given_up"),
        (mails[1], "given_up"),
        (mails[2], "waiting"),
    ]
    (first, *_) = listed(admin, "?status=given_up")
    assert first | {"notice": "", "made_at": ""} == {
        "number": mails[0],
        "notice": "",
        "kind": "invoice.issued",
        "organization": "acme",
        "cycle": "acme.2026-01-01",
        "member": "ada",
        "status": "given_up",
        "attempts": 1,
        "made_at": "",
        "due_at": None,
        "error": REFUSED,
        "dropped_by": None,
        "dropped_because": None,
    }
    assert [each["number"] for each in listed(admin, "?status=sent")] == [mails[3]]


def test_the_list_comes_in_pages(admin: Caller, mails: list[int]) -> None:
    first = done(admin("GET", "/v1/mails?limit=2"))
    rest = done(admin("GET", f"/v1/mails?limit=2&cursor={first['next_cursor']}"))
    numbers = [each["number"] for page in (first, rest) for each in page["data"]]
    assert (numbers, rest["next_cursor"]) == (mails[:3], None)


def test_one_or_all_that_were_given_up_are_sent_again(admin: Caller, mails: list[int]) -> None:
    answer = admin("POST", "/v1/mails/retry", {"numbers": [mails[0], mails[3]]})
    assert done(answer) == {"retried": 1}
    assert done(admin("POST", "/v1/mails/retry", {})) == {"retried": 1}
    assert {(each["status"], each["attempts"]) for each in listed(admin)[:2]} == {("waiting", 0)}
    assert admin("POST", "/v1/mails/retry", {"numbers": [mails[3]]}).status_code == 404


def test_some_are_left_unsent_with_a_reason_and_by_whom(admin: Caller, mails: list[int]) -> None:
    said = {"numbers": [mails[0], mails[2]], "reason": "they have left"}
    assert done(admin("POST", "/v1/mails/drop", said)) == {"dropped": 2}
    assert [each["number"] for each in listed(admin)] == [mails[1]]
    for each in listed(admin, "?status=dropped"):
        assert each["dropped_because"] == "they have left"
        assert each["dropped_by"].startswith("key:")
    assert admin("POST", "/v1/mails/drop", said).status_code == 404


@pytest.mark.parametrize("body", [{"numbers": [1]}, {"numbers": [1], "reason": " "}])
def test_nothing_is_left_unsent_without_a_reason(admin: Caller, body: dict[str, Any]) -> None:
    answer = admin("POST", "/v1/mails/drop", body)
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["field"] == "reason"


def test_the_command_shows_what_failed_and_does_something_about_it(
    run: Run, mails: list[int]
) -> None:
    status, said, _ = run("mails")
    assert status == 1
    assert REFUSED in said
    assert said.endswith("1 waiting, 2 given up; links to sign in: 0\n")

    status, said, _ = run("mails", "--drop", str(mails[0]), "--reason", "they have left")
    assert said.startswith("1 dropped") and status == 1
    status, said, _ = run("mails", "--retry", "all", "--json")
    assert (status, json.loads(said)["retried"]) == (0, 1)


def test_the_command_counts_links_to_sign_in_and_shows_nobody_s_address(
    run: Run, database_url: str
) -> None:
    with closing(Database(database_url, size=1)) as database:
        requests = PostgresSignInRequests(database)
        for each in ("ada@acme.example", "bea@acme.example"):
            requests.add(each, "198.51.100.7", datetime.now(UTC))
    status, said, _ = run("mails")
    assert (status, said) == (0, "0 waiting, 0 given up; links to sign in: 2\n")
    told = run("mails", "--json")[1]
    assert json.loads(told)["links_waiting"] == 2 and "@" not in told


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["--retry", "x"], "--retry takes the number", id="no number"),
        pytest.param(["--drop", "1"], "say why, with --reason", id="no reason"),
        pytest.param(["--retry", "1", "--drop", "1"], "retry or drop, not both", id="both"),
        pytest.param(["--retry", "99"], "none of these e-mails was given up", id="no such"),
    ],
)
def test_a_command_that_cannot_be_run_says_so(run: Run, arguments: list[str], words: str) -> None:
    status, _, wrong = run("mails", *arguments)
    assert status == 2
    assert words in wrong
