"""Why it was done: the reason that comes with a command stands in its events, and in the story."""

from collections.abc import Callable, Sequence
from typing import Any

import psycopg
import pytest

from tests.api.commands import ACCRUING, ENDING, ISSUED, WHY, Command
from tests.api.conftest import CYCLE, Caller, day
from tests.api.test_life import A1, INVOICE, ORGANIZATION, done, issued, large, used

__all__ = ["issued", "large", "used"]

REASONS = """
    SELECT convert_from(state, 'UTF8')::json ->> 'reason' FROM cyclebook_events
    WHERE notification_id > %s
"""
NEWEST = "SELECT max(notification_id) FROM cyclebook_events"
TOO_LONG = {"reason": "x" * 401}


@pytest.fixture
def ada(caller: Callable[..., Caller]) -> Caller:
    return caller()


def reasoned(commands: Sequence[Command]) -> list[Command]:
    return [each for each in commands if isinstance(each.body, dict) and "reason" in each.body]


def untold(url: str, key: Caller, commands: Sequence[Command]) -> list[str]:
    """The commands that leave no event with the reason they were given."""
    missing = []
    with psycopg.connect(url, autocommit=True) as connection:
        for each in commands:
            (before,) = connection.execute(NEWEST).fetchone() or (0,)
            answer = key(each.method, each.path, each.body)
            assert answer.status_code < 300, (each.op, answer.get_data(as_text=True))
            told = {why for (why,) in connection.execute(REASONS, [before])}
            if each in reasoned(commands) and each.body["reason"] not in told:
                missing.append(each.op)
    return missing


def test_until_the_issue_every_reason_is_in_the_log(
    used: str, large: str, ada: Caller, database_url: str
) -> None:
    assert {"attach", "detach", "change_quantity", "swap", "end_trial", "sync_invoice"} <= {
        each.op for each in reasoned(ACCRUING)
    }
    assert untold(database_url, ada, ACCRUING) == []


def test_of_an_organization_that_leaves_every_reason_is_in_the_log(
    used: str, ada: Caller, database_url: str
) -> None:
    assert untold(database_url, ada, ENDING) == []


def test_about_an_issued_invoice_every_reason_is_in_the_log(
    issued: str, ada: Caller, database_url: str
) -> None:
    assert "finalize_invoice" in {each.op for each in reasoned(ISSUED)}
    assert untold(database_url, ada, ISSUED) == []


def test_the_story_says_why(admin: Caller, used: str) -> None:
    done(admin("PATCH", A1, {"quantity": "3", "at": day(4), "reason": "two more shops"}))
    done(admin("POST", f"{INVOICE}/sync", {"reason": "before the call"}))
    told = [each["what"] for each in done(admin("GET", f"{INVOICE}/history"))["data"]]
    assert "a1 counts for 3 from here on (two more shops)" in told
    assert [what for what in told if what.endswith("(before the call)")] != []


def test_why_an_invoice_was_issued_is_told_once(admin: Caller, used: str) -> None:
    done(admin("POST", f"{ORGANIZATION}/bill-now", {"at": day(5), **WHY}))
    done(admin("POST", f"{INVOICE}/finalize", {"reason": "they asked"}))
    told = [each["what"] for each in done(admin("GET", f"{INVOICE}/history"))["data"]]
    assert [what.split()[:2] for what in told if "(they asked)" in what] == [["Invoice", "settled"]]


def test_without_a_reason_all_goes_as_before(admin: Caller, used: str) -> None:
    done(admin("POST", f"{ORGANIZATION}/bill-now", {"at": day(5), **WHY}))
    assert done(admin("POST", f"{INVOICE}/finalize"))["status"] == "issued"
    assert done(admin("POST", f"{INVOICE}/finalize", {}))["status"] == "issued"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("PATCH", A1, {"quantity": "3"}, id="a quantity"),
        pytest.param("POST", f"{A1}/detach", {}, id="detach"),
        pytest.param("POST", f"{INVOICE}/sync", {}, id="sync"),
        pytest.param("POST", f"{INVOICE}/finalize", {}, id="finalize"),
    ],
)
def test_a_reason_that_is_too_long_is_refused_by_name(
    admin: Caller, used: str, method: str, path: str, body: dict[str, Any]
) -> None:
    answer = admin(method, path, body | TOO_LONG)
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["field"] == "reason"
    told = [each["what"] for each in done(admin("GET", f"/v1/invoices/{CYCLE}/history"))["data"]]
    assert not [what for what in told if "xxx" in what]
