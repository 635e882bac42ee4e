"""``cyclebook audit``: what it tells people, programs and the shell."""

import csv
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import psycopg
import pytest

from adapters.sandbox.server import SandboxServer
from api.wiring import Wired
from tests.api.conftest import CYCLE, Caller, Run, day
from tests.api.test_usage import record


@pytest.fixture
def sandbox_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Stripe, where commands look for it."""
    server = SandboxServer("127.0.0.1", 0, tmp_path)
    thread = threading.Thread(target=server.run)
    thread.start()
    monkeypatch.setenv("STRIPE_API_BASE", server.url)
    yield server.url
    server.stop()
    thread.join()


@pytest.fixture
def in_step(run: Run, admin: Caller, acme: str, wired: Wired, sandbox_url: str) -> str:
    """A cycle whose draft equals the books; projections have followed."""
    admin("POST", "/v1/usage", [record("k1"), record("k2", value="2.5")])
    run("sync", CYCLE)
    while wired.projector.step():
        pass
    return CYCLE


def test_books_in_step_end_with_status_0(run: Run, in_step: str) -> None:
    status, told, _ = run("audit")
    assert (status, told) == (
        0,
        "1 of 1 cycles compared with 1 invoices that Stripe lists: 0 findings, 0 repaired "
        "(reconciliation 1)\n",
    )
    report = json.loads(run("audit", "--json")[1])
    assert (report["clean"], report["data"], report["reconciliation"]) == (True, [], "2")


def test_what_differs_is_told_in_a_table_a_file_and_json(
    run: Run, in_step: str, database_url: str, tmp_path: Path
) -> None:
    spoil(database_url)
    file = tmp_path / "found.csv"
    status, told, _ = run("audit", "--csv", str(file))
    assert status == 1
    assert "projection_differs" in told and "1 findings, 0 repaired" in told
    (row,) = csv.DictReader(file.read_text("utf-8").splitlines())
    assert (row["cycle"], row["detail"], row["cents"]) == (CYCLE, "total", "777")
    status, told, _ = run("audit", "--json")
    (finding,) = json.loads(told)["data"]
    assert (status, finding["cents"], finding["severity"]) == (1, 777, "error")


def spoil(database_url: str) -> None:
    """Let the list say a total where there is none yet."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE invoice_summary SET total = 777")


def test_what_was_mended_is_told_once(run: Run, in_step: str, database_url: str) -> None:
    spoil(database_url)
    status, told, _ = run("audit", "--repair", "--from", day(0))
    assert (status, "1 findings, 1 repaired" in told, "row rebuilt" in told) == (1, True, True)
    assert run("audit")[0] == 0


def test_another_accounts_key_is_a_failure_and_takes_nothing_for_gone(
    run: Run, in_step: str, sandbox_url: str, wired: Wired
) -> None:
    state, _ = wired.stripe_stream.load(CYCLE)
    path = f"{sandbox_url}/v1/invoices/{state.invoice}"
    key = {"Authorization": "Bearer sk_test_sandbox"}
    urlopen(Request(path, method="DELETE", headers=key)).close()
    status, told, _ = run("audit")
    assert (status, "failed: empty_sweep" in told) == (1, True)
    assert wired.stripe_stream.load(CYCLE)[0].live(1) == state.invoice
