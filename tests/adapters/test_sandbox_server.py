"""The sandbox as a server: its data outlives it, its webhooks arrive signed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from adapters.sandbox.app import create_sandbox
from adapters.sandbox.ledger import Ledger
from adapters.sandbox.server import SandboxServer
from adapters.sandbox.webhooks import Deliveries
from adapters.stripe.gateway import stripe_client
from adapters.stripe.webhooks import read_webhook

SECRET = "whsec_test"
PROGRAM = """
import sys
from pathlib import Path
from adapters.sandbox.server import serve
serve("127.0.0.1", 0, Path(sys.argv[1]), on_start=lambda url: print(url, flush=True))
"""


@pytest.fixture
def endpoint() -> Iterator[tuple[str, list[tuple[int, bytes, str]], list[int]]]:
    """Where webhooks go: its address, what came (answer, body, signature), answers to give."""
    came: list[tuple[int, bytes, str]] = []
    answers: list[int] = []

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = answers.pop(0) if answers else 200
            came.append((answer, body, self.headers["Stripe-Signature"]))
            self.send_response(answer)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Endpoint)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", came, answers
    server.shutdown()
    server.server_close()


def test_webhooks_are_signed_and_sent_until_they_are_taken(endpoint) -> None:
    url, came, answers = endpoint
    ledger = Ledger()
    api = create_sandbox(ledger, delivers=True).test_client()
    api.post("/v1/customers", headers={"Authorization": "Bearer sk_test_x"})
    answers.append(503)
    deliveries = Deliveries(ledger, url, SECRET)
    assert deliveries.deliver_due() == 0
    time.sleep(1.1)
    assert deliveries.deliver_due() == 1
    assert deliveries.deliver_due() == 0
    assert [answer for answer, _, _ in came] == [503, 200]
    event = read_webhook(came[1][1], came[1][2], [SECRET], datetime.now(UTC))
    assert event.type == "customer.created"
    assert came[0][1] == came[1][1]


def test_a_started_server_delivers_by_itself(endpoint, tmp_path: Path) -> None:
    url, came, _ = endpoint
    server = SandboxServer("127.0.0.1", 0, tmp_path, url, SECRET)
    running = Thread(target=server.run, daemon=True)
    running.start()
    stripe_client("sk_test_x", base=server.url).v1.customers.create({})
    deadline = time.monotonic() + 10
    while not came and time.monotonic() < deadline:
        time.sleep(0.05)
    server.stop()
    running.join(10)
    assert json.loads(came[0][1])["type"] == "customer.created"


@contextmanager
def started(home: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-c", PROGRAM, str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process, process.stdout.readline().strip()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_second_start_finds_what_the_first_kept(tmp_path: Path, number: int) -> None:
    options = {"idempotency_key": "k1"}
    with started(tmp_path) as (first, url):
        made = stripe_client("sk_test_x", base=url).v1.customers.create({"name": "a"}, options)
        os.kill(first.pid, number)
        assert first.wait(15) == (0 if number == signal.SIGTERM else -number)
    with started(tmp_path) as (second, url):
        client = stripe_client("sk_test_x", base=url)
        assert client.v1.customers.retrieve(made.id).name == "a"
        assert client.v1.customers.create({"name": "a"}, options).id == made.id
        second.terminate()
        assert second.wait(15) == 0


def test_it_listens_on_this_machine_only(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="this machine only"):
        SandboxServer("0.0.0.0", 0, tmp_path)
