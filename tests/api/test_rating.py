"""Previews, what-ifs and diffs over HTTP and on the command line."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api.instants import format_instant
from tests.api.conftest import CYCLE, Caller, Run, day
from tests.api.test_usage import record

JANUARY = {"start": "2026-01-01T00:00:00Z", "end": "2026-02-01T00:00:00Z"}
CPU = {
    "price": "cpu",
    "currency": "usd",
    "kind": "metered",
    "meter": "cpu",
    "model": "per_unit",
    "unit_amount": "2.5",
}
CHEAPER = CPU | {"unit_amount": "1"}


@pytest.fixture
def used(admin: Caller, acme: str) -> str:
    """acme has used 12.5 hours twice."""
    answer = admin("POST", "/v1/usage", [record("k1"), record("k2", source="ams-1")])
    assert answer.json["accepted"] == 2
    return acme


def test_a_price_is_rated_without_anything_published(caller: Callable[..., Caller]) -> None:
    body = {"price": CPU, "quantity": "12.5", "period": JANUARY}
    answer = caller("support")("POST", "/v1/rating/preview", body)
    assert answer.status_code == 200
    found = answer.json
    assert (found["amount"], found["unrounded_amount"], found["currency"]) == (31, "31.25", "usd")
    assert [line["amount"] for line in found["lines"]] == [31]


def test_amounts_that_never_end_come_as_a_fraction_too(admin: Caller) -> None:
    fee = {"price": "b", "currency": "usd", "kind": "recurring", "model": "flat", "amount": "100"}
    body = {"price": fee, "period": JANUARY, "attached_until": "2026-01-11T00:00:00Z"}
    found = admin("POST", "/v1/rating/preview", body).json
    assert (found["unrounded_amount"], found["unrounded_fraction"]) == (
        "32.258064516129",
        "1000/31",
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"price": CPU | {"unit_amount": "x"}}, "price.unit_amount", id="an amount"),
        pytest.param(
            {"price": CPU | {"model": "graduated", "tiers": [{"up_to": 5.5}]}},
            "price.tiers[0].up_to",
            id="a number that is no string",
        ),
        pytest.param({"period": {"start": "2026-01-01T00:00:00Z"}}, "period.end", id="no end"),
        pytest.param({"records": [{"value": "1", "at": "soon"}]}, "records[0].at", id="an instant"),
        pytest.param({"customer": "acme"}, "customer", id="an unknown field"),
    ],
)
def test_what_cannot_be_rated_names_its_field(
    admin: Caller, change: dict[str, Any], field: str
) -> None:
    body = {"price": CPU, "period": JANUARY} | change
    answer = admin("POST", "/v1/rating/preview", body)
    assert answer.status_code == 422
    assert field in [each["field"] for each in answer.json["errors"]]


def test_who_may_ask(caller: Callable[..., Caller], used: str) -> None:
    preview = {"price": CPU, "period": JANUARY}
    what_if = {"price": CHEAPER, "organization": used}
    since = f"/v1/invoices/{CYCLE}/diff?from={day(1)}"
    asked = [
        ("POST", "/v1/rating/preview", preview),
        ("POST", "/v1/rating/what-if", what_if),
        ("POST", "/v1/rating/what-if/report", {"price": CHEAPER}),
        ("GET", since, None),
    ]
    found = {
        role: [caller(role, organization)(*each).status_code for each in asked]
        for role, organization in [("ingest", None), ("organization", "acme"), ("support", None)]
    }
    assert found == {
        "ingest": [403, 403, 403, 403],
        "organization": [200, 403, 403, 200],
        "support": [200, 200, 200, 200],
    }


def test_history_is_rated_under_another_price(admin: Caller, used: str) -> None:
    before = admin("GET", f"/v1/invoices/{CYCLE}").json
    answer = admin("POST", "/v1/rating/what-if", {"price": CHEAPER, "organization": used})
    found = answer.json
    assert (found["now"], found["then"], found["difference"]) == (63, 25, -38)
    assert found["replaces"] == ["cpu@1"]
    assert admin("GET", f"/v1/invoices/{CYCLE}").json["version"] == before["version"]
    unknown = admin("POST", "/v1/rating/what-if", {"price": CHEAPER, "organization": "nobody"})
    assert unknown.status_code == 404


def test_why_an_invoice_changed(admin: Caller, acme: str, run: Run) -> None:
    before = format_instant(datetime.now(UTC))
    admin("POST", "/v1/usage", [record("k1"), record("k2", source="ams-1")])
    found = admin("GET", f"/v1/invoices/{CYCLE}/diff?from={before}").json
    assert (found["was"], found["becomes"], found["difference"]) == (0, 63, 63)
    assert [(each["kind"], each["amount"]) for each in found["causes"]] == [
        ("usage", 31),
        ("usage", 32),
    ]
    assert found["causes"][0]["quantities"] == {"cpu": "12.5"}
    status, told, _ = run("diff", CYCLE, "--from", before)
    assert status == 0
    assert "1 usage record from ams-1: cpu (12.5 hours)" in told
    listed = json.loads(run("diff", CYCLE, "--from", before, "--json")[1])
    assert listed["causes"] == found["causes"]


def test_lines_are_rated_one_by_one_and_a_bad_one_keeps_no_other_from_it(
    run: Run, tmp_path: Path
) -> None:
    good = {"price": CPU, "quantity": "12.5", "period": JANUARY}
    bad = good | {"price": CPU | {"unit_amount": "-1"}}
    lines = tmp_path / "requests.jsonl"
    lines.write_text("\n".join([json.dumps(good), json.dumps(bad), "{", json.dumps(good)]))
    status, told, _ = run("rate", str(lines))
    found = [json.loads(line) for line in told.splitlines()]
    assert status == 1
    assert [each["index"] for each in found] == [0, 1, 2, 3]
    assert [each.get("amount") for each in found] == [31, None, None, 31]
    assert [each.get("code") for each in found] == [
        None,
        "invalid_input",
        "malformed_request",
        None,
    ]
    assert found[1]["field"] == "price.unit_amount"
    lines.write_text(json.dumps(good))
    assert run("rate", str(lines))[0] == 0


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("rate", "--history", "acme"), id="history without a price"),
        pytest.param(("reprice",), id="neither a report nor a move"),
        pytest.param(("reprice", "--move", "cpu"), id="a move without an instant"),
        pytest.param(("reprice", "--dry-run"), id="a dry run of no move"),
    ],
)
def test_what_cannot_be_run_so(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments)[0] == 2


def test_an_instant_that_cannot_be_read_is_named_as_it_was_typed(run: Run, acme: str) -> None:
    status, _, said = run("diff", CYCLE, "--from", "yesterday")
    assert (status, "--from must be an instant" in said) == (2, True)
