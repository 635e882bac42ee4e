"""The service itself, listening, with acme in it; and the shaky way there."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from cyclebook_client import Client, Options, Refusal
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.api.conftest import (  # noqa: F401 - fixtures
    Caller,
    acme,
    admin,
    app,
    caller,
    sandbox_app,
    wired,
)
from tests.api.test_life import done
from tests.clients.proxy import Proxy, proxy_to

HASTE: dict[str, Any] = {"age_s": 0.01, "pause_s": 0.01, "pause_max_s": 0.05, "timeout_s": 5.0}
"""Options of clients whose tests should not take long."""


class Quiet(WSGIRequestHandler):
    """Does not write a line for each request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@pytest.fixture
def service(app: Flask, acme: str) -> Iterator[str]:  # noqa: F811
    """The URL of the service."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def way(service: str) -> Iterator[Proxy]:
    """A way to the service on which things go wrong."""
    with proxy_to(service) as proxy:
        yield proxy


@pytest.fixture
def key(caller: Callable[..., Caller]) -> str:  # noqa: F811
    """A key that may only send usage."""
    return caller("ingest").key


@dataclass
class Told:
    """A client, and what it was told of its records."""

    client: Client
    refusals: list[Refusal]


def client_to(url: str, key: str, **options: Any) -> Told:
    """A client in haste that keeps what it is told."""
    refusals: list[Refusal] = []
    chosen = {"on_refused": refusals.append, **HASTE, **options}
    return Told(Client(url, key, Options(**chosen)), refusals)


@dataclass(frozen=True)
class Books:
    """What the service has recorded for acme."""

    admin: Caller

    def records(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor = ""
        while cursor is not None:
            path = f"/v1/usage?organization=acme&limit=200{cursor and '&cursor=' + cursor}"
            page = done(self.admin("GET", path))
            found += page["data"]
            cursor = page["next_cursor"]
        return found

    def ids(self) -> list[str]:
        return sorted(each["id"] for each in self.records())

    def quantity(self) -> str:
        """What the invoice counts."""
        lines = done(self.admin("GET", "/v1/organizations/acme/invoices/current"))["lines"]
        return str(next((each["quantity"] for each in lines if each["kind"] == "usage"), "0"))


@pytest.fixture
def books(admin: Caller) -> Books:  # noqa: F811
    return Books(admin)
