"""Everything about an organization: every kind of row, flat, and complete."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from api.wiring import Wired
from application.case_screens import NewCase
from application.export_rows import COLUMNS, PERSONAL
from tests.api.conftest import CYCLE, START, Caller, Run
from tests.api.test_life import INVOICE, done, used

__all__ = ["used"]

EXPORT = "/v1/organizations/acme/export"
INTERNAL = "A hopeless case"
OF_THE_BOOKS = {"organization", "member", "credit", "alert", "invoice", "invoice_line"}
OF_THE_BOOKS |= {"case", "case_entry", "usage_record", "event", "api_key"}
"""Kinds of rows that the fixture makes. Those of tables: ``tests/adapters``."""


@pytest.fixture
def much(wired: Wired, admin: Caller, used: str) -> None:
    """Something of each kind."""
    members = [{"user": "u1", "email": "ada@acme.example", "role": "owner"}]
    details = {"name": "=Acme", "currency": "usd", "anchor_day": START.day, "members": members}
    done(admin("PUT", "/v1/organizations/acme", details))
    credit = {"credit": "k1", "amount": 5, "currency": "usd", "reason": "sorry"}
    done(admin("POST", "/v1/organizations/acme/credits", credit))
    done(admin("PUT", "/v1/organizations/acme/alerts/a1", {"amount": 100}))
    wired.keys.create("organization", "acme", "theirs", actor="test")
    done(admin("POST", f"{INVOICE}/sync", {}))
    new = NewCase(text="Too much", case="c1", cycle=CYCLE)
    wired.cases.report("acme", new, by="customer", actor="member:u1", at=START)
    wired.cases.comment("acme.c1", INTERNAL, "internal", by="support", actor="staff:bob", at=START)
    while wired.projector.step():
        pass


def read(by: Caller) -> list[dict[str, Any]]:
    answer = by("GET", EXPORT)
    assert answer.status_code == 200
    return [json.loads(line) for line in answer.get_data(as_text=True).splitlines()]


def test_every_kind_of_row_is_there_flat_and_counted(admin: Caller, much: None) -> None:
    first, *rows, last = read(admin)
    counts = Counter(each.pop("row") for each in [dict(row) for row in rows])
    assert (first["row"], first["organization"], set(first["personal"])) == (
        "export",
        "acme",
        PERSONAL,
    )
    assert last == {"row": "end", "rows": {kind: counts[kind] for kind in COLUMNS}}
    assert OF_THE_BOOKS <= counts.keys() <= COLUMNS.keys()
    for row in rows:
        assert tuple(row)[1:] == COLUMNS[row["row"]]
        assert not any(isinstance(each, (dict, list, float)) for each in row.values())


def test_the_lines_come_to_what_the_invoice_says(admin: Caller, much: None) -> None:
    _, *rows, _ = read(admin)
    (invoice,) = (row for row in rows if row["row"] == "invoice")
    lines = [row["amount"] for row in rows if row["row"] == "invoice_line"]
    assert sum(lines) == invoice["subtotal"] == done(admin("GET", INVOICE))["total"]
    assert sum(row["row"] == "usage_record" for row in rows) == 2


def test_staff_get_every_event_and_customers_none_that_is_internal(
    admin: Caller, caller: Callable[..., Caller], much: None, database_url: str
) -> None:
    with psycopg.connect(database_url) as connection:
        (stored,) = connection.execute(
            "SELECT count(*) FROM cyclebook_events e WHERE topic !~ '^(Meter|Price|Service)[DP]'"
        ).fetchone() or (0,)
    events = [row for row in read(admin) if row["row"] == "event"]
    assert len(events) == stored
    assert INTERNAL in str(read(admin))
    customer = caller("organization", "acme")
    own = read(customer)
    assert INTERNAL not in str(own)
    assert {row["stream"] for row in own if row["row"] == "event"} == {"organization", "cycle"}
    assert caller("organization", "globex")("GET", EXPORT).status_code == 404
    assert admin("GET", EXPORT.replace("acme", "nobody")).status_code == 404


def test_the_command_writes_a_file_for_each_kind(run: Run, much: None, tmp_path: Path) -> None:
    folder = tmp_path / "acme"
    assert run("export-organization", "acme", "--to", str(folder))[0] == 0
    manifest = json.loads((folder / "manifest.json").read_text())
    assert {each["file"] for each in manifest["files"]} == {f"{kind}.ndjson" for kind in COLUMNS}
    for each in manifest["files"]:
        content = (folder / each["file"]).read_bytes()
        assert each["sha256"] == hashlib.sha256(content).hexdigest()
        assert each["rows"] == content.count(b"\n")
    assert run("export-organization", "nobody", "--to", str(folder))[0] == 2


def test_what_broke_off_has_no_manifest(run: Run, much: None, tmp_path: Path) -> None:
    assert run("export-organization", "acme", "--to", str(tmp_path))[0] == 0
    event = tmp_path / "event.ndjson"
    event.unlink()
    event.mkdir()  # a file that cannot be written
    assert run("export-organization", "acme", "--to", str(tmp_path))[0] == 2
    assert not (tmp_path / "manifest.json").exists()
