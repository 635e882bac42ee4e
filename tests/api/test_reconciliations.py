"""Reconciliations over HTTP: asked for, carried out by a worker, read as JSON and as CSV."""

import csv
import io
from datetime import UTC, datetime

import psycopg
import pytest

from api.findings import csv_lines
from api.wiring import Wired
from application.adjusting import NewItem
from application.projector import Projector
from application.registration import Details
from projections.reconciliation import Finding, Kind, Severity
from tests.api.conftest import CYCLE, Caller, day

ALL = "/v1/reconciliations"


@pytest.fixture
def in_step(wired: Wired, acme: str) -> str:
    """acme's draft at Stripe, in step."""
    item = NewItem(item="i1", description="Setup", amount=500, currency="usd", reason="agreed")
    wired.changes.adjusting.add_item("acme", item, at=datetime.now(UTC), actor="test")
    synced = wired.reconciler.sync(CYCLE, "test")
    assert synced.invoice is not None
    follow(wired.projector)
    return synced.invoice


def follow(projector: Projector) -> None:
    while projector.step():
        pass


def spoil_three_rows(wired: Wired, database_url: str) -> None:
    """Make the list say of three cycles what the events do not."""
    for name in ("b1", "b2"):
        details = Details(name=name, currency="usd")
        wired.registration.put(name, details, actor="test", at=datetime.now(UTC))
    follow(wired.projector)
    with psycopg.connect(database_url, autocommit=True) as connection:
        assert connection.execute("UPDATE invoice_summary SET held = 'no'").rowcount == 3


def test_one_is_asked_for_carried_out_by_a_worker_and_read(
    admin: Caller, wired: Wired, in_step: str
) -> None:
    asked = admin("POST", ALL, {"from": day(0), "repair": True})
    place = asked.headers["Location"]
    assert (asked.status_code, asked.get_json()["status"]) == (202, "requested")
    assert wired.reconciliations.step() and not wired.reconciliations.step()
    report = admin("GET", place).get_json()
    told = {name: report[name] for name in ("status", "expected", "done", "listed", "clean")}
    assert told == {"status": "done", "expected": 1, "done": 1, "listed": 1, "clean": True}
    assert (report["from"], report["to"], report["repair"]) == (day(0), None, True)
    assert report["counts"] == [] and report["problem"] is None
    assert admin("GET", f"{place}/findings").get_json() == {"data": [], "next_cursor": None}


def test_what_it_found_is_listed_paged_and_downloaded(
    admin: Caller, wired: Wired, acme: str, database_url: str
) -> None:
    spoil_three_rows(wired, database_url)
    place = admin("POST", ALL, {}).headers["Location"]
    wired.reconciliations.step()
    report = admin("GET", place).get_json()
    assert (report["findings"], report["clean"]) == (3, False)
    assert report["counts"] == [
        {
            "kind": "projection_differs",
            "severity": "warning",
            "currency": "usd",
            "findings": 3,
            "repaired": 0,
            "cents": 0,
        }
    ]
    first = admin("GET", f"{place}/findings?limit=2").get_json()
    rest = admin("GET", f"{place}/findings?limit=2&cursor={first['next_cursor']}").get_json()
    assert (len(first["data"]), len(rest["data"]), rest["next_cursor"]) == (2, 1, None)
    table = admin("GET", f"{place}/findings.csv")
    assert table.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(table.get_data(as_text=True))))
    assert [row["kind"] for row in rows] == ["projection_differs"] * 3
    assert set(first["data"][0]) == set(rows[0])


def test_the_newest_come_first_page_by_page(admin: Caller, acme: str) -> None:
    for _ in range(3):
        admin("POST", ALL, {})
    first = admin("GET", f"{ALL}?limit=2").get_json()
    rest = admin("GET", f"{ALL}?limit=2&cursor={first['next_cursor']}").get_json()
    numbers = [int(each["reconciliation"]) for each in first["data"] + rest["data"]]
    assert numbers == sorted(numbers, reverse=True) and len(numbers) == 3
    assert rest["next_cursor"] is None


def test_the_same_key_asks_once(admin: Caller, acme: str) -> None:
    for _ in range(2):
        answer = admin("POST", ALL, {}, headers={"Idempotency-Key": "k1"})
        assert answer.status_code == 202
    assert len(admin("GET", ALL).get_json()["data"]) == 1


def test_a_reversed_window_is_refused(admin: Caller, acme: str) -> None:
    window = {"from": day(2), "to": day(1)}
    answer = admin("POST", ALL, window)
    assert (answer.status_code, answer.get_json()["detail"]) == (422, "from must lie before to")


@pytest.mark.parametrize("number", ["1", "x", "9" * 19, "-1", "²"])
@pytest.mark.parametrize("part", ["", "/findings", "/findings.csv"])
def test_one_that_does_not_exist_is_not_found(admin: Caller, number: str, part: str) -> None:
    assert admin("GET", f"{ALL}/{number}{part}").status_code == 404


@pytest.mark.parametrize("cursor", ["x", "-1", "9" * 19])
def test_a_cursor_that_is_none_is_refused(admin: Caller, acme: str, cursor: str) -> None:
    admin("POST", ALL, {})
    assert admin("GET", f"{ALL}?cursor={cursor}").status_code == 422
    assert admin("GET", f"{ALL}/1/findings?cursor={cursor}").status_code == 422


def test_what_others_wrote_is_text_to_a_spreadsheet() -> None:
    finding = Finding(
        kind=Kind.EXTRA,
        severity=Severity.ERROR,
        cycle="=cmd|'/C calc'!A0.2026-01-01",
        organization="@acme",
        currency="usd",
        ours="-5",
        cents=-5,
        detail='a "quoted", word',
    )
    (row,) = csv.DictReader(io.StringIO("".join(csv_lines([finding]))))
    assert row["cycle"].startswith("'=") and row["organization"] == "'@acme"
    assert (row["ours"], row["cents"], row["detail"]) == ("-5", "-5", 'a "quoted", word')
    assert (row["invoice"], row["repaired"]) == ("", "false")
