"""``cyclebook import-stripe`` and ``shadow``: what they tell people, programs and the shell."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.sandbox.server import SandboxServer
from adapters.stripe.gateway import stripe_client
from tests.api.conftest import Run
from tests.api.shadowed import OLDER
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
    status, told, _ = run("import-stripe", *START, "--dry-run")
    assert status == 1 and "1 of 2 customers brought over, 1 would be new" in told
    status, told, _ = run("import-stripe", *START)
    assert status == 1 and bad in told
    assert "1 of 1 invoices brought over, 1 new, 0 not to be, 0 bad" in told
    status, told, _ = run("import-stripe", "--invoices", "--json")
    found = json.loads(told)
    assert (status, found["dry_run"], found.keys()) == (0, False, {"invoices", "dry_run"})
    assert (found["invoices"]["done"], found["invoices"]["made"]) == (1, 0)


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
    window = ("--from", f"{OLDER.start:%Y-%m-%dT%H:%M:%SZ}", "--to", _before_the_end())
    status, told, _ = run("shadow", *window)
    assert (status, told.splitlines()[-1]) == (
        0,
        "0 of 0 compared: 0 equal, 0 different, 0 missing, 0 extra",
    )
    assert run("shadow")[0] == 0  # nothing on both sides
    biller.bill(customer, line("Support", 9900, OLDER.start, OLDER.end))
    status, told, _ = run("shadow")
    assert status == 1
    assert "Support" in told and "not_in_books" in told and "99.00" in told
    assert told.splitlines()[-1] == "0 of 1 compared: 0 equal, 0 different, 0 missing, 1 extra"
    found = json.loads(run("shadow", "--json")[1])
    assert (found["counts"]["extra"], found["data"][0]["billed"]) == (1, 9900)


def _before_the_end() -> str:
    return f"{OLDER.end - timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"
