"""A wrong price put right everywhere: reported, approved, corrected; and moves to new versions."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.instants import format_instant
from tests.api.conftest import CYCLE, Caller, Run, day
from tests.api.test_rating import CHEAPER
from tests.api.test_usage import record


@pytest.fixture
def used(admin: Caller, acme: str) -> str:
    """acme has used 12.5 hours twice."""
    answer = admin("POST", "/v1/usage", [record("k1"), record("k2", source="ams-1")])
    assert answer.json["accepted"] == 2
    return acme


def test_a_wrong_price_is_reported_approved_and_corrected_once(
    run: Run, admin: Caller, used: str, tmp_path: Path
) -> None:
    price, report = tmp_path / "price.json", tmp_path / "report.json"
    price.write_text(json.dumps(CHEAPER))
    status, told, _ = run("rate", "--history", used, "--price", str(price), "--json")
    assert (status, json.loads(told)["difference"]) == (0, -38)
    assert "usage/a1/cpu@1" in run("rate", "--history", used, "--price", str(price))[1]

    everybody = ("rate", "--history", "--all", "--price", str(price), "--out", str(report))
    status, told, _ = run(*everybody, "--json")
    summary = json.loads(told)
    assert (status, summary["winners"], summary["difference"]) == (0, 1, -38)
    assert json.loads(report.read_text())["digest"] == summary["digest"]

    apply = ("reprice", str(report), "--to", "cpu@2", "--reason", "two and a half times too much")
    assert run(*apply)[0] == 2, "not published yet"
    admin("POST", "/v1/prices", CHEAPER)
    status, told, _ = run(*apply)
    assert (status, f"--approve {summary['digest']}" in told) == (0, True)
    assert run(*apply, "--approve", "sha256:0")[0] == 2
    assert admin("GET", f"/v1/invoices/{CYCLE}").json["subtotal"] == 63

    approved = (*apply, "--approve", summary["digest"], "--json")
    status, told, _ = run(*approved)
    assert (status, json.loads(told)["applied"]) == (0, 1)
    assert admin("GET", f"/v1/invoices/{CYCLE}").json["subtotal"] == 25
    status, told, _ = run(*approved)
    assert (status, json.loads(told)["nothing"]) == (0, 1)


def test_a_report_that_was_tampered_with_is_not_the_approved_one(
    run: Run, admin: Caller, used: str, tmp_path: Path
) -> None:
    price, report = tmp_path / "price.json", tmp_path / "report.json"
    price.write_text(json.dumps(CHEAPER))
    run("rate", "--history", "--all", "--price", str(price), "--out", str(report))
    digest = json.loads(report.read_text())["digest"]
    report.write_text(report.read_text().replace("-38", "-37"))
    admin("POST", "/v1/prices", CHEAPER)
    apply = ("reprice", str(report), "--to", "cpu@2", "--reason", "wrong", "--approve", digest)
    assert run(*apply)[0] == 2
    report.write_text("{}")
    status, _, said = run(*apply)
    assert (status, "is no whole report" in said) == (2, True)


def test_the_report_over_http_is_the_one_that_a_command_writes_and_applies(
    run: Run, admin: Caller, used: str, tmp_path: Path
) -> None:
    admin("PUT", "/v1/organizations/idle", {"name": "Idle", "currency": "usd"})
    price, report = tmp_path / "price.json", tmp_path / "report.json"
    price.write_text(json.dumps(CHEAPER))
    run("rate", "--history", "--all", "--price", str(price), "--out", str(report))

    answer = admin("POST", "/v1/rating/what-if/report", {"price": CHEAPER})
    assert answer.get_data() == report.read_bytes()
    found = answer.json
    assert [(each["organization"], each["difference"]) for each in found["organizations"]] == [
        (used, -38)
    ]
    assert found["organizations"][0]["cycles"] == {CYCLE: -38}
    assert (found["totals"]["organizations"], found["totals"]["winners"]) == (2, 1)

    admin("POST", "/v1/prices", CHEAPER)
    saved = tmp_path / "saved.json"
    saved.write_bytes(answer.get_data())
    apply = ("reprice", str(saved), "--to", "cpu@2", "--reason", "wrong", "--json")
    assert json.loads(run(*apply, "--approve", found["digest"])[1])["applied"] == 1


def test_a_report_that_was_cut_off_is_none(
    run: Run, admin: Caller, used: str, tmp_path: Path
) -> None:
    whole = admin("POST", "/v1/rating/what-if/report", {"price": CHEAPER}).get_data()
    admin("POST", "/v1/prices", CHEAPER)
    report = tmp_path / "report.json"
    report.write_bytes(whole[: whole.index(b"],")])
    status, _, said = run("reprice", str(report), "--to", "cpu@2", "--reason", "wrong")
    assert (status, "is no whole report" in said) == (2, True)


def test_a_report_on_a_price_that_cannot_be_rated_is_refused_before_it_begins(
    admin: Caller, used: str
) -> None:
    answer = admin("POST", "/v1/rating/what-if/report", {"price": CHEAPER | {"currency": "eur"}})
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_a_move_is_looked_at_first(run: Run, admin: Caller, used: str) -> None:
    admin("POST", "/v1/prices", CHEAPER)
    at = format_instant(datetime.now(UTC))
    look = ("reprice", "--move", "cpu", "--at", at, "--dry-run")
    before = admin("GET", f"/v1/invoices/{CYCLE}").json["version"]
    status, told, _ = run(*look)
    assert (status, "Nothing was changed." in told) == (0, True)
    late = record("k3", occurred_at=format_instant(datetime.now(UTC)))
    assert admin("POST", "/v1/usage", [late]).json["accepted"] == 1
    status, told, _ = run(*look, "--json")
    assert status == 0
    (found,) = json.loads(told)
    assert found["organization"] == used
    assert [(each["was"], each["becomes"]) for each in found["invoices"]] == [(94, 76)], (
        "63 and 13, each line rounded"
    )
    assert admin("GET", f"/v1/invoices/{CYCLE}").json["version"] == before + 1, "the usage alone"


def test_a_move_says_that_the_newest_version_is_not_in_force_yet(
    run: Run, admin: Caller, used: str
) -> None:
    soon = format_instant(datetime.now(UTC) + timedelta(days=1))
    admin("POST", "/v1/prices", CHEAPER | {"effective_at": soon})
    _, _, said = run("reprice", "--move", "cpu", "--at", day(2), "--dry-run")
    assert f"cpu@2 is in force only from {soon} on" in said


def test_what_is_attached_moves_to_the_newest_version(run: Run, admin: Caller, used: str) -> None:
    admin("POST", "/v1/prices", CHEAPER)
    at = format_instant(datetime.now(UTC))
    status, told, _ = run("reprice", "--move", "cpu", "--at", at, "--json")
    assert (status, json.loads(told)["applied"]) == (0, 1)
    assert "1 nothing" in run("reprice", "--move", "cpu", "--at", at)[1]
