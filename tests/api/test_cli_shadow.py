"""``cyclebook import-stripe`` and ``shadow``: what they tell people, programs and the shell."""

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from adapters.sandbox.server import SandboxServer
from adapters.stripe.gateway import stripe_client
from tests.api.conftest import Run
from tests.api.shadowed import OLDER, RUNNING
from tests.biller import Biller, line


@pytest.fixture
def biller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Biller]:
    """Another program, and Stripe where commands look for it, in shadow mode."""
    server = SandboxServer("127.0.0.1", 0, tmp_path)
    thread = threading.Thread(target=server.run)
    thread.start()
    monkeypatch.setenv("STRIPE_API_BASE", server.url)
    monkeypatch.setenv("SHADOW", "true")
    yield Biller(stripe_client("sk_test_biller", base=server.url))
    server.stop()
    thread.join()


START = ("--start", f"{OLDER.start:%Y-%m-%d}", "--currency", "USD")


def test_an_import_tells_what_it_brought_and_what_it_could_not(run: Run, biller: Biller) -> None:
    customer = biller.customer("Acme")
    bad = biller.customer("Bad", email="none")
    biller.bill(customer, line("Fee", 100, OLDER.start, OLDER.end))
    biller.draft(customer, line("Fee", 100, OLDER.start, OLDER.end))
    biller.draft(
        customer, line("Fee", 7, OLDER.start, OLDER.end), metadata={"cycle_id": "acme.2026-01-01"}
    )
    left_out = "2 left out (1 made by Cyclebook, 1 not finalized)"
    status, told, _ = run("import-stripe", *START, "--dry-run")
    assert status == 1 and "1 of 2 customers brought over, 1 would be new" in told
    status, told, _ = run("import-stripe", *START)
    assert status == 1 and bad in told
    assert f"1 of 1 invoices brought over, 1 new, {left_out}, 0 bad" in told
    status, told, _ = run("import-stripe", "--invoices", "--json")
    found = json.loads(told)
    assert (status, found["dry_run"], found.keys()) == (0, False, {"invoices", "dry_run"})
    assert (found["invoices"]["done"], found["invoices"]["made"]) == (1, 0)
    assert (found["invoices"]["skipped"], found["invoices"]["left_out"]) == (
        2,
        {"ours": 1, "not_finalized": 1},
    )


def test_a_file_says_what_customers_become(run: Run, biller: Biller, tmp_path: Path) -> None:
    customer = biller.customer("Acme")
    file = tmp_path / "map.csv"
    file.write_text(f"customer,organization\n{customer},initech\n", "utf-8")
    assert run("import-stripe", "--customers", *START, "--map", str(file))[0] == 0
    assert run("link", "initech", customer)[0] == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("who,organization\n", "first line has to name columns", id="no such column"),
        pytest.param("customer,organization\n,x\n", "line 2: not a row", id="nobody"),
        pytest.param("customer\ncus_1\ncus_1\n", "named twice", id="twice"),
        pytest.param("customer,anchor_day\ncus_1,40\n", "day from 1 to 31", id="no such day"),
        pytest.param("customer\ncus_1,x\n", "line 2: not a row", id="one column too many"),
    ],
)
def test_a_file_that_is_none_is_refused_before_anything_is_done(
    run: Run, biller: Biller, tmp_path: Path, text: str, says: str
) -> None:
    biller.customer("Acme")
    file = tmp_path / "map.csv"
    file.write_text(text, "utf-8")
    status, _, told = run("import-stripe", "--map", str(file), *START)
    assert status == 2 and says in told


def test_a_comparison_ends_with_status_1_where_anything_differs(run: Run, biller: Biller) -> None:
    customer = biller.customer("Acme")
    run("import-stripe", *START)
    assert run("shadow")[0] == 0  # nothing on both sides
    biller.bill(customer, line("Support", 9900, OLDER.start, OLDER.end))
    status, told, _ = run("shadow")
    assert status == 1
    assert "Support" in told and "not_in_books" in told and "99.00" in told
    assert told.splitlines()[-1] == "0 of 1 compared: 0 equal, 0 different, 0 missing, 1 extra"
    found = json.loads(run("shadow", "--json")[1])
    assert (found["counts"]["extra"], found["data"][0]["billed"]) == (1, 9900)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        pytest.param(OLDER.start, OLDER.end - timedelta(seconds=1), id="before the first end"),
        pytest.param(RUNNING.start, RUNNING.end + timedelta(days=1), id="ends in the future"),
    ],
)
def test_nothing_compared_is_no_success(
    run: Run, biller: Biller, start: datetime, end: datetime
) -> None:
    biller.customer("Acme")
    run("import-stripe", *START)
    status, told, _ = run("shadow", "--from", start.isoformat(), "--to", end.isoformat())
    assert (status, told.splitlines()[-1]) == (
        1,
        "no cycle ended in this window, and nobody billed one: nothing was compared",
    )


def test_a_sync_says_that_another_program_bills(run: Run, biller: Biller) -> None:
    biller.customer("Acme")
    run("import-stripe", *START)
    status, told, _ = run("sync", f"acme.{OLDER.start:%Y-%m-%d}")
    assert (status, "nothing is written to Stripe: another program bills" in told) == (0, True)
