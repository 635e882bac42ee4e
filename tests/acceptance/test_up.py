"""The whole service as one runs it: killed anywhere, nothing acknowledged is lost or doubled."""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.acceptance.running import Running, free_port

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def running() -> Iterator[Running]:
    home = Path(tempfile.mkdtemp(prefix="cyclebook-up-"))
    home.chmod(0o711)
    case = Running(home)
    case.start()
    yield case
    if case.process is not None and case.process.poll() is None:
        case.stop()
    assert not case.processes()
    shutil.rmtree(home)


def prepare(case: Running) -> str:
    """acme with a machine that costs 2 a unit; a key for everything."""
    key: str = json.loads(case.cli("keys", "create", "--role", "admin", "--json"))["key"]
    price = {
        "price": "cpu",
        "currency": "usd",
        "kind": "metered",
        "meter": "cpu",
        "model": "per_unit",
        "unit_amount": "2",
    }
    organization = {"name": "Acme", "currency": "usd", "time_zone": "UTC", "anchor_day": 1}
    at = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    attachment = {"attachment": "a1", "service": "machine", "quantity": "1", "at": at.isoformat()}
    for method, path, body in [
        ("PUT", "/v1/meters/cpu", {"aggregation": "sum", "unit": "hour"}),
        ("POST", "/v1/prices", price),
        ("PUT", "/v1/services/machine", {"name": "Machine", "prices": ["cpu"]}),
        ("PUT", "/v1/organizations/acme", organization),
        ("POST", "/v1/organizations/acme/attachments", attachment),
    ]:
        status, answer = case.call(method, path, body, key)
        assert status in (200, 201), answer
    return key


def usage(number: int, at: str) -> dict[str, str]:
    """One record of one unit."""
    return {
        "source": "test",
        "id": f"k{number}",
        "organization": "acme",
        "meter": "cpu",
        "value": "1",
        "occurred_at": at,
        "attachment": "a1",
    }


class Sender(threading.Thread):
    """Sends records one batch after the other, each until it is acknowledged."""

    def __init__(self, case: Running, key: str) -> None:
        super().__init__()
        self.case, self.key = case, key
        self.at = datetime.now(UTC).isoformat()
        self.sent = 0
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            batch = [usage(number, self.at) for number in range(self.sent, self.sent + 20)]
            while True:
                status, answer = self.case.call("POST", "/v1/usage", batch, self.key)
                if status == 200:
                    assert answer["accepted"] + answer["duplicates"] == len(batch), answer
                    break
                assert status in (0, 502, 503), (status, answer)
                time.sleep(0.1)
            self.sent += len(batch)


def owed(case: Running, key: str) -> Decimal:
    """Units on acme's current invoice."""
    _, answer = case.call("GET", "/v1/organizations/acme/invoices/current", key=key)
    (line,) = answer["lines"]
    assert line["amount"] == 2 * Decimal(line["quantity"])
    return Decimal(line["quantity"])


def refused_start(case: Running, **settings: str) -> str:
    """What a start that refuses itself says."""
    done = subprocess.run(
        case._command("up"),
        env=case.environment | settings,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, ""), done.stdout + done.stderr
    return done.stderr


def test_a_start_that_cannot_go_well_is_refused_before_it_begins(tmp_path: Path) -> None:
    case = Running(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for setting in ("PORT", "SANDBOX_PORT"):
            told = refused_start(case, **{setting: port})
            assert told.endswith(
                f"is taken: stop what listens there, or set {setting} to another port\n"
            )
    told = refused_start(case, PORT=str(case.sandbox_port))
    assert "set SANDBOX_PORT to another port" in told
    elsewhere = {"HOST": "192.0.2.1", "SECRET_KEY": "a-secret-of-more-than-sixteen"}
    assert "change HOST" in refused_start(case, **elsewhere)
    assert not (tmp_path / "data" / "sandbox").exists()


def test_a_command_beside_it_finds_its_ports(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = running.environment | {"PORT": "", "SANDBOX_PORT": ""}
    monkeypatch.setattr(Running, "environment", told)
    link = running.cli("sign-in", "--staff", "jane")
    assert link.startswith(f"{running.base}/sign-in/")
    assert "0 of 0 cycles" in running.cli("audit")


def test_a_second_start_on_the_same_folder_is_refused(running: Running) -> None:
    told = refused_start(running, PORT=str(free_port()), SANDBOX_PORT=str(free_port()))
    assert told.startswith("cyclebook: cyclebook up runs already on ")


def test_kill_9_of_any_process_loses_and_doubles_nothing(running: Running) -> None:
    key = prepare(running)
    sender = Sender(running, key)
    sender.start()
    chance = random.Random(7)
    for _ in range(6):
        time.sleep(0.7)
        victims = [
            pid
            for pid, line in running.processes().items()
            if pid != running.process.pid and "postgres" not in line
        ]
        os.kill(chance.choice(victims), signal.SIGKILL)
    running.until(lambda: running.call("GET", "/readyz")[0] == 200, 60)
    before = sender.sent
    running.until(lambda: sender.sent > before, 60)
    sender.over.set()
    sender.join(60)
    assert owed(running, key) == sender.sent
    assert running.stop() == 0


def test_kill_9_of_everything_then_a_second_start_finds_its_data(running: Running) -> None:
    key = prepare(running)
    sender = Sender(running, key)
    sender.start()
    time.sleep(1.5)
    for pid in running.processes():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:  # it went with its parent
            continue
    running.process.wait(10)
    running.until(lambda: not running.processes(), 20)
    running.start()
    before = sender.sent
    running.until(lambda: sender.sent > before, 60)
    sender.over.set()
    sender.join(60)
    assert owed(running, key) == sender.sent
    cycle = running.call("GET", "/v1/organizations/acme/invoices/current", key=key)[1]["cycle"]
    status, answer = running.call("POST", f"/v1/invoices/{cycle}/sync", {}, key)
    assert status == 200, answer
    status, proof = running.call("GET", f"/v1/invoices/{cycle}/proof", key=key)
    assert status == 200, proof
    assert running.stop(signal.SIGINT) == 0
    assert not running.processes()


def test_the_database_killed_and_back_is_an_outage_that_mends_itself(running: Running) -> None:
    key = prepare(running)
    sender = Sender(running, key)
    sender.start()
    time.sleep(0.5)
    servers = [pid for pid, line in running.processes().items() if "/postgres -D" in line]
    assert len(servers) == 1
    os.kill(servers[0], signal.SIGKILL)
    running.until(lambda: running.call("GET", "/readyz")[0] == 200, 60)
    before = sender.sent
    running.until(lambda: sender.sent > before, 60)
    sender.over.set()
    sender.join(60)
    assert owed(running, key) == sender.sent
