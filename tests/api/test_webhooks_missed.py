"""What no webhook told, and what is synced because somebody asked."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.sandbox.server import SandboxServer
from tests.api.conftest import CYCLE, START, Caller, Run, day

# What no webhook told


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxServer]:
    """Stripe, where commands look for it; none of its webhooks arrives."""
    server = SandboxServer("127.0.0.1", 0, tmp_path)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    monkeypatch.setenv("STRIPE_API_BASE", server.url)
    yield server
    server.stop()
    thread.join()


@pytest.fixture
def paid_unheard(admin: Caller, acme: str, run: Run, server: SandboxServer) -> str:
    """An invoice that Stripe issued and collected, and nobody told us."""
    details = {"name": "Acme", "currency": "usd", "anchor_day": START.day}
    item = {"item": "i1", "description": "x", "amount": 500, "currency": "usd", "reason": "y"}
    for method, path, body in [
        ("PUT", "", {**details, "policies": {"grace_s": 0}}),
        ("POST", "/items", item | {"at": day(2)}),
        ("POST", "/bill-now", {"at": day(5), "reason": "asked for"}),
    ]:
        answer = admin(method, f"/v1/organizations/acme{path}", body)
        assert answer.status_code == 200, answer.get_data(as_text=True)
    _, told, _ = run("close", "--due")
    assert f"issued   {CYCLE}" in told, told
    ledger = server.sandbox.world.ledger
    (invoice,) = [each for each in ledger.every("invoice") if each["status"] == "open"]
    server.sandbox.dashboard.act(invoice["id"], "pay")
    return str(invoice["id"])


def test_the_command_finds_what_no_webhook_told(run: Run, admin: Caller, paid_unheard: str) -> None:
    def status() -> str:
        return str(admin("GET", f"/v1/invoices/{CYCLE}").get_json()["status"])

    assert status() == "issued"
    ended, told, _ = run("catch-up")
    assert (ended, status()) == (0, "paid")
    assert "0 invoices looked at" in told and "0 failed" in told
    again = json.loads(run("catch-up", "--since", "2020-01-01T00:00:00Z", "--json")[1])
    assert (again["new"], again["invoices"], again["differing"], again["failed"]) == (0, 1, 0, [])
