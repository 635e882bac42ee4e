"""The API over a real database, and clients that speak to it with a key."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from adapters.sandbox.app import Sandbox, create_sandbox
from adapters.sandbox.client import InProcess
from adapters.sandbox.ledger import Ledger
from adapters.stripe.gateway import StripeGateway, stripe_client
from api.app import create_app
from api.cli.main import main
from api.instants import format_instant
from api.settings import Settings
from api.wiring import Wired, wire

# The API reads the real clock, so acme's days are counted from ten days ago.
START = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=10)
CYCLE = f"acme.{START:%Y-%m-%d}"


def day(number: int, hour: int = 0) -> str:
    """An instant of acme's first cycle, counted from its start."""
    return format_instant(START + timedelta(days=number, hours=hour))


Run = Callable[..., tuple[int, str, str]]
"""Runs a command; its status, output and errors."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with a key."""

    client: FlaskClient
    key: str

    def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.key}", **more.pop("headers", {})}
        if body is not None:
            more["json"] = body
        return self.client.open(path, method=method, headers=headers, **more)


@pytest.fixture
def sandbox_app() -> Flask:
    """Stripe, in this process."""
    return create_sandbox(Ledger())


@pytest.fixture
def sandbox(sandbox_app: Flask) -> Sandbox:
    """Its Dashboard, its faults, and all it holds."""
    parts: Sandbox = sandbox_app.extensions["sandbox"]
    return parts


@pytest.fixture
def wired(database_url: str, sandbox_app: Flask) -> Iterator[Wired]:
    given = {"DATABASE_URL": database_url, "THREADS": "2", "RATE_LIMIT_PER_S": "1000000"}
    settings = Settings.from_environment(given)
    client = stripe_client("sk_test_sandbox", http_client=InProcess(sandbox_app))
    gateway = StripeGateway(client)
    with wire(settings, database_url, gateway) as wired:
        yield wired


@pytest.fixture
def run(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Run:
    """Runs a command; its status, output and errors."""
    monkeypatch.setenv("DATABASE_URL", database_url)

    def command(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        told = capfd.readouterr()
        return int(str(ended.value.code or 0)), told.out, told.err

    return command


@pytest.fixture
def app(wired: Wired) -> Flask:
    return create_app(wired)


@pytest.fixture
def caller(app: Flask, wired: Wired) -> Callable[..., Caller]:
    """Makes a key and a caller with it."""

    def make(role: str = "admin", organization: str | None = None) -> Caller:
        return Caller(app.test_client(), wired.keys.create(role, organization, actor="test"))

    return make


@pytest.fixture
def admin(caller: Callable[..., Caller]) -> Caller:
    return caller()


@pytest.fixture
def acme(admin: Caller) -> str:
    """An organization ten days into its first cycle, with a machine since the second day."""
    steps: list[tuple[str, str, Any]] = [
        ("PUT", "/v1/meters/cpu", {"unit": "hour", "dimensions": ["region"]}),
        (
            "POST",
            "/v1/prices",
            {
                "price": "cpu",
                "currency": "usd",
                "kind": "metered",
                "meter": "cpu",
                "model": "per_unit",
                "unit_amount": "2.5",
            },
        ),
        ("PUT", "/v1/services/machine", {"name": "Machine", "prices": ["cpu"]}),
        (
            "PUT",
            "/v1/organizations/acme",
            {"name": "Acme", "currency": "usd", "anchor_day": START.day, "starts_at": day(0)},
        ),
        (
            "POST",
            "/v1/organizations/acme/attachments",
            {"attachment": "a1", "service": "machine", "at": day(1)},
        ),
    ]
    for method, path, body in steps:
        response = admin(method, path, body)
        assert response.status_code < 300, response.get_data(as_text=True)
    return "acme"
