"""Feedback over HTTP: was this bill clear?"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.conftest import CYCLE, Caller
from tests.api.test_life import done

FEEDBACK = f"/v1/invoices/{CYCLE}/feedback"
ALL = "/v1/feedback"


def test_the_last_answer_of_each_key_counts(
    admin: Caller, caller: Callable[..., Caller], acme: str
) -> None:
    ada, bob = caller("organization", "acme"), caller("organization", "acme")
    unclear = {"clear": False, "comment": "<b>What</b> is a machine@1?"}
    told = done(ada("PUT", FEEDBACK, unclear))
    assert {name: told[name] for name in unclear} == unclear
    done(bob("PUT", FEEDBACK, {"clear": False, "comment": None}))
    assert done(admin("GET", ALL))["counts"] == {"clear": 0, "unclear": 2}
    done(ada("PUT", FEEDBACK, {"clear": True}))
    everything = done(admin("GET", ALL))
    assert everything["counts"] == {"clear": 1, "unclear": 1}
    assert [each["actor"] for each in everything["data"]] == [
        f"key:{ada.key[:11]}",
        f"key:{bob.key[:11]}",
    ]
    (row,) = done(admin("GET", f"{ALL}?clear=false"))["data"]
    assert (row["cycle"], row["organization"], row["comment"]) == (CYCLE, "acme", None)
    assert done(admin("GET", f"{ALL}?organization=globex"))["counts"] == {"clear": 0, "unclear": 0}


def test_answers_are_paged(admin: Caller, caller: Callable[..., Caller], acme: str) -> None:
    for _ in range(3):
        done(caller("support")("PUT", FEEDBACK, {"clear": True}))
    page = done(admin("GET", f"{ALL}?limit=2"))
    rest = done(admin("GET", f"{ALL}?limit=2&cursor={page['next_cursor']}"))
    assert (len(page["data"]), len(rest["data"]), rest["next_cursor"]) == (2, 1, None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({}, "clear", id="no answer"),
        pytest.param({"clear": "maybe"}, "clear", id="no such answer"),
        pytest.param({"clear": True, "comment": "x" * 2001}, "comment", id="too many words"),
        pytest.param({"clear": True, "comment": "\n"}, "comment", id="no words"),
    ],
)
def test_an_answer_that_says_nothing_is_refused(
    admin: Caller, acme: str, body: dict[str, Any], field: str
) -> None:
    refused = admin("PUT", FEEDBACK, body)
    assert refused.status_code == 422
    assert [each["field"] for each in refused.get_json()["errors"]] == [field]


def test_there_is_no_feedback_on_what_one_may_not_see(
    admin: Caller, caller: Callable[..., Caller], acme: str
) -> None:
    stranger = caller("organization", "globex")
    assert stranger("PUT", FEEDBACK, {"clear": True}).status_code == 404
    nowhere = "/v1/invoices/acme.2001-01-01/feedback"
    assert admin("PUT", nowhere, {"clear": True}).status_code == 404
    assert done(admin("GET", ALL))["data"] == []
