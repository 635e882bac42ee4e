"""The sandbox as a server: its data outlives it, its webhooks arrive signed."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests

from adapters.sandbox.server import SandboxServer
from adapters.stripe.gateway import StripeGateway, stripe_client
from application.gateway import StripeCall
from domain.errors import GatewayBusy, GatewayUnavailable
from tests.endpoint import Endpoint, listening

PROGRAM = """
import sys
from pathlib import Path
from adapters.sandbox.server import serve
serve("127.0.0.1", 0, Path(sys.argv[1]), on_start=lambda url: print(url, flush=True))
"""


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with listening() as where:
        yield where


@contextmanager
def running(home: Path, *webhooks: str) -> Iterator[SandboxServer]:
    server = SandboxServer("127.0.0.1", 0, home, *webhooks)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    yield server
    server.stop()
    thread.join(10)
    assert not thread.is_alive()


def test_it_delivers_webhooks_by_itself(endpoint: Endpoint, tmp_path: Path) -> None:
    with running(tmp_path, endpoint.url, "whsec_test") as server:
        stripe_client("sk_test_x", base=server.url).v1.customers.create({})
        deadline = time.monotonic() + 10
        while not endpoint.came and time.monotonic() < deadline:
            time.sleep(0.05)
    assert json.loads(endpoint.came[0].body)["type"] == "customer.created"


def test_a_connection_stays_open_and_an_answer_comes_in_one_piece(tmp_path: Path) -> None:
    with running(tmp_path) as server, socket.create_connection(_address(server)) as connection:
        for _ in range(2):
            connection.sendall(
                b"GET /v1/customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk_test_x\r\n\r\n"
            )
            answer = connection.recv(65_536)
            head, body = answer.split(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200") and b"Request-Id: req_" in head
            assert json.loads(body)["object"] == "list"


@pytest.mark.parametrize("fault", ["dropped", "lost_response", "cut", "bad_json", "hang"])
def test_an_answer_that_does_not_arrive_whole_is_an_open_outcome(
    tmp_path: Path, fault: str
) -> None:
    call = StripeCall(key="k1", method="post", endpoint="/v1/customers", parameters={"name": "a"})
    with running(tmp_path) as server:
        gateway = StripeGateway(stripe_client("sk_test_x", base=server.url))
        server.sandbox.faults.add(fault)
        with pytest.raises(GatewayUnavailable):
            gateway.send(call)
        answer = gateway.send(call)
        assert answer.status == 200
        (customer,) = server.sandbox.world.ledger.every("customer")
        assert customer["id"] == answer.reference


def test_a_client_that_gave_up_waiting_meets_its_own_call_still_under_way(tmp_path: Path) -> None:
    call = StripeCall(key="k1", method="post", endpoint="/v1/customers", parameters={})
    with running(tmp_path) as server:
        hasty = StripeGateway(stripe_client("sk_test_x", base=server.url, timeout_s=(1, 1)))
        server.sandbox.faults.add("hang", seconds=2)
        with pytest.raises(GatewayUnavailable):
            hasty.send(call)
        with pytest.raises(GatewayBusy):
            hasty.send(call)
        time.sleep(1.5)
        assert hasty.send(call).status == 200
        assert len(server.sandbox.world.ledger.every("customer")) == 1


def test_switches_outlive_it(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        _switch(server, "clock", {"advance_s": 86_400})
        _switch(server, "limits", {"like": "sandbox", "endpoint": 10})
        _switch(server, "locks", {"on": True})
        _switch(server, "chaos", {"copies": 2})
        _switch(server, "behaviour", {"automatic_tax": 19, "minimum_charge": False})
    with running(tmp_path) as server:
        seen = requests.get(f"{server.url}/_sandbox", timeout=5).json()
        assert seen["now"] >= time.time() + 86_390
        assert (seen["limits"]["account"], seen["limits"]["endpoint"]) == (25, 10)
        assert (seen["locks"], seen["chaos"]["copies"]) == (True, 2)
        assert seen["behaviour"] == {
            "tax_percent": 0,
            "automatic_tax": 19,
            "minimum_charge": False,
            "takes_invoice_metadata": True,
        }


def _address(server: SandboxServer) -> tuple[str, int]:
    return "127.0.0.1", int(server.url.rsplit(":", 1)[1])


def _switch(server: SandboxServer, name: str, asked: dict[str, Any]) -> None:
    answer = requests.post(f"{server.url}/_sandbox/{name}", json=asked, timeout=5)
    assert answer.status_code == 200, answer.text


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
