"""A replay of the quarantine is shown before it is done: the same invoices, the same amounts."""

from typing import Any

import psycopg
import pytest

from tests.api.conftest import CYCLE, START, Caller, day
from tests.api.test_life import ORGANIZATION, amounts, done, issued, used
from tests.api.test_usage import record

__all__ = ["issued", "used"]

WHY = {"reason": "disk is defined now"}
COUNTS = ("replayed", "still_quarantined", "refused", "dismissed")


@pytest.fixture
def priced_disk(admin: Caller, acme: str) -> None:
    """Usage of a disk waits; then the disk is defined, and has a price from the third day on."""
    waiting = [record(f"d{n}", meter="disk", attachment="d", value="4") for n in (1, 2)]
    strange = record("d3", meter="tape", attachment="d")
    assert done(admin("POST", "/v1/usage", [*waiting, strange]))["quarantined"] == 3
    price = {"price": "disk", "currency": "usd", "kind": "metered", "meter": "disk"}
    attach = {"attachment": "d", "service": "disk", "at": day(1)}
    done(admin("PUT", "/v1/meters/disk", {"unit": "GB"}))
    done(admin("POST", "/v1/prices", price | {"model": "per_unit", "unit_amount": "25"}))
    done(admin("PUT", "/v1/services/disk", {"name": "Disk", "prices": ["disk"]}))
    done(admin("POST", f"{ORGANIZATION}/attachments", attach))


def replay(admin: Caller, *, dry: bool, **body: Any) -> Any:
    path = f"/v1/quarantine{'?dry_run=true' if dry else ''}"
    return done(admin("POST", path, {"action": "replay", **WHY, **body}))


def everything(url: str) -> list[Any]:
    """How many rows each table has, where a replay leaves any."""
    tables = ("cyclebook_events", "usage_dedup", "tally", "quarantine", "usage_conflict")
    with psycopg.connect(url) as connection:
        known = [
            name
            for (name,) in connection.execute("SELECT tablename FROM pg_tables").fetchall()
            if name in tables
        ]
        assert "cyclebook_events" in known
        return [
            (name, connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall())
            for name in sorted(known)
        ]


def test_a_dry_run_shows_what_the_replay_then_does(admin: Caller, priced_disk: None) -> None:
    before = amounts(admin)
    shown = replay(admin, dry=True)
    assert [shown[name] for name in COUNTS] == [2, 1, 0, 0]
    (invoice,) = shown["invoices"]
    assert (invoice["cycle"], invoice["becomes"] - invoice["was"]) == (CYCLE, 200)
    assert [(line["key"], line["becomes"]) for line in invoice["lines"]] == [
        ("usage/d/disk@1", 200)
    ]

    assert amounts(admin) == before
    assert [replay(admin, dry=False)[name] for name in COUNTS] == [2, 1, 0, 0]
    assert amounts(admin) == before | {"usage/d/disk@1": 200}


def test_a_dry_run_stores_nothing(admin: Caller, priced_disk: None, database_url: str) -> None:
    before = everything(database_url)
    replay(admin, dry=True)
    assert everything(database_url) == before
    assert admin("POST", "/v1/usage", [record("k9")]).get_json()["accepted"] == 1


def test_only_the_entries_that_are_named_are_looked_at(admin: Caller, priced_disk: None) -> None:
    waiting = done(admin("GET", "/v1/quarantine"))["data"]
    (first,) = (each["id"] for each in waiting if each["record"]["id"] == "d1")
    shown = replay(admin, dry=True, ids=[first])
    assert (shown["replayed"], shown["invoices"][0]["becomes"]) == (1, 100)


def test_what_was_recorded_meanwhile_changes_nothing(admin: Caller, priced_disk: None) -> None:
    sent = [record("d1", meter="disk", attachment="d", value="4")]
    assert done(admin("POST", "/v1/usage", sent))["accepted"] == 1
    shown = replay(admin, dry=True)
    assert (shown["replayed"], shown["invoices"][0]["was"]) == (2, 100)
    assert shown["invoices"][0]["becomes"] == 200


def test_what_clashes_with_a_record_is_counted_as_refused(admin: Caller, priced_disk: None) -> None:
    sent = [record("d1", meter="disk", attachment="d", value="5")]
    assert done(admin("POST", "/v1/usage", sent))["accepted"] == 1
    shown = replay(admin, dry=True)
    assert (shown["replayed"], shown["refused"]) == (1, 1)


def test_usage_of_an_issued_invoice_is_shown_as_late_on_the_next(
    admin: Caller, issued: str
) -> None:
    waits = record("late", meter="disk", attachment=None, value="100")
    assert done(admin("POST", "/v1/usage", [waits]))["quarantined"] == 1
    late = record("cpu-late", value="100", occurred_at=day(2))
    details = {"name": "Acme", "currency": "usd", "anchor_day": START.day}
    done(admin("PUT", ORGANIZATION, details | {"policies": {"late_facts": "reject"}}))
    assert done(admin("POST", "/v1/usage", [late]))["quarantined"] == 1
    assert replay(admin, dry=True)["invoices"] == []
    done(admin("PUT", ORGANIZATION, details | {"policies": {"late_facts": "next_cycle"}}))
    (invoice,) = replay(admin, dry=True)["invoices"]
    assert invoice["cycle"] != issued
    assert invoice["becomes"] - invoice["was"] == 250


def test_of_an_organization_nobody_knows_nothing_is_shown(admin: Caller, acme: str) -> None:
    assert done(admin("POST", "/v1/usage", [record("k1", organization="nobody")]))["quarantined"]
    shown = replay(admin, dry=True)
    assert (shown["still_quarantined"], shown["invoices"]) == (1, [])


def test_a_dismissal_has_no_dry_run(admin: Caller, priced_disk: None) -> None:
    body = {"action": "dismiss", "ids": [1], **WHY}
    answer = admin("POST", "/v1/quarantine?dry_run=true", body)
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["field"] == "dry_run"
