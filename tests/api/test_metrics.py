"""Numbers for Prometheus: what is counted, who may read it, and what the reference says of it."""

import re
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from adapters.sandbox.app import create_sandbox
from adapters.sandbox.client import InProcess
from adapters.sandbox.ledger import Ledger
from adapters.stripe.gateway import StripeGateway, stripe_client
from api.app import create_app
from api.http.usage import RECORD
from api.metrics import numbers_loop
from api.settings import Settings
from api.wiring import Wired, wire
from api.wiring.monitoring import prometheus
from api.worker import ROLES as ROLES_OF_WORKERS
from application.meters import metered_sync
from application.vitals import ESSENTIAL_ROLES, ROLES, WAITING
from application.worker import Health
from domain.errors import Busy
from tests.api.conftest import Caller, day

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
SAMPLE = re.compile(r"^(\w+?)(?:\{(.*)\})? (\S+)$", re.MULTILINE)


@pytest.fixture
def wired(database_url: str) -> Iterator[Wired]:
    """A process that counts."""
    settings = Settings.from_environment({"DATABASE_URL": database_url, "THREADS": "2"})
    app = create_sandbox(Ledger())
    gateway = StripeGateway(stripe_client("sk_test_sandbox", http_client=InProcess(app)))
    with wire(settings, database_url, gateway, prometheus()) as wired:
        yield wired


def samples(text: str) -> dict[str, float]:
    """Every number by its name and labels."""
    return {f"{name}{{{labels}}}": float(value) for name, labels, value in SAMPLE.findall(text)}


def read(client: FlaskClient, **environ: str) -> dict[str, float]:
    answer = client.get("/metrics", environ_base=environ)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return samples(answer.text)


def test_usage_is_counted_by_what_became_of_it(admin: Caller, acme: str) -> None:
    record = {**RECORD, "occurred_at": day(4)}
    admin("POST", "/v1/usage", [record, {**record, "id": "k2"}])
    admin("POST", "/v1/usage", [record, {**record, "id": "k3", "meter": "nothing"}])

    found = read(admin.client)

    kinds = ("accepted", "duplicate", "quarantined")
    counts = [found[f'cyclebook_usage_records_total{{outcome="{each}"}}'] for each in kinds]
    assert counts == [2, 1, 1]
    assert found['cyclebook_quarantined{reason="unknown_meter"}'] == 1
    assert found['cyclebook_waiting{what="quarantined"}'] == 1


def test_requests_are_timed_by_rule_and_never_by_id(admin: Caller, acme: str) -> None:
    admin("GET", f"/v1/organizations/{acme}")
    admin("GET", "/v1/organizations/nobody-at-all")
    admin.client.get("/nowhere/secret-name")
    admin.client.open("/healthz", method="BREW")

    text = admin.client.get("/metrics").text

    rule = 'method="GET",route="/v1/organizations/<organization>"'
    found = samples(text)
    assert found[f'cyclebook_request_duration_seconds_count{{{rule},status="200"}}'] == 1
    assert found[f'cyclebook_request_duration_seconds_count{{{rule},status="404"}}'] == 1
    assert acme not in text
    assert "secret-name" not in text
    assert 'method="other"' in text


@pytest.mark.parametrize(("fails", "outcome"), [(False, "done"), (True, "busy")])
def test_syncs_are_timed_by_how_they_end(
    wired: Wired, admin: Caller, fails: bool, outcome: str
) -> None:
    def sync(cycle: str, actor: str) -> None:
        if fails:
            raise Busy("try again")

    assert wired.metrics is not None
    timed = metered_sync(sync, wired.metrics)
    if fails:
        with pytest.raises(Busy):
            timed("acme.2026-11-01", "sync")
    else:
        timed("acme.2026-11-01", "sync")

    counts = [
        n for n in read(admin.client) if n.startswith("cyclebook_sync_duration_seconds_count")
    ]
    assert counts == [f'cyclebook_sync_duration_seconds_count{{outcome="{outcome}"}}']


@pytest.mark.parametrize(
    ("token", "environ", "status"),
    [
        pytest.param(None, {"REMOTE_ADDR": "127.0.0.1"}, 200, id="from here"),
        pytest.param(None, {"REMOTE_ADDR": "::1"}, 200, id="from here, by IPv6"),
        pytest.param(None, {"REMOTE_ADDR": "10.0.0.7"}, 403, id="from elsewhere"),
        pytest.param(None, {"HTTP_X_FORWARDED_FOR": "10.0.0.7"}, 403, id="through a proxy here"),
        pytest.param("tok", {}, 403, id="without the token"),
        pytest.param("tok", {"HTTP_AUTHORIZATION": "Bearer to"}, 403, id="another token"),
        pytest.param(
            "tok",
            {"HTTP_AUTHORIZATION": "Bearer tok", "REMOTE_ADDR": "10.0.0.7"},
            200,
            id="with the token, from anywhere",
        ),
    ],
)
def test_who_may_read(
    database_url: str, token: str | None, environ: dict[str, str], status: int
) -> None:
    given = {"DATABASE_URL": database_url, "METRICS_TOKEN": token or ""}
    with wire(Settings.from_environment(given), database_url, metrics=prometheus()) as wired:
        answer = create_app(wired).test_client().get("/metrics", environ_base=environ)

    assert answer.status_code == status
    assert ("cyclebook_" in answer.text) == (status == 200)


def test_a_worker_shows_its_own(database_url: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with showing(database_url, port):
        assert numbers_at(port)["cyclebook_store_up{}"] == 1


@contextmanager
def showing(database_url: str, port: int) -> Iterator[Health]:
    """A worker's numbers at a port, as its thread shows them; how that goes."""
    given = {"DATABASE_URL": database_url, "WORKER_METRICS_PORT": str(port)}
    settings = Settings.from_environment(given)
    with wire(settings, database_url, metrics=prometheus()) as wired:
        loop = numbers_loop(wired)
        assert loop is not None
        (health,) = loop.parts
        stop = threading.Event()
        thread = threading.Thread(target=loop.run, args=[stop])
        thread.start()
        try:
            assert wait_for(lambda: health.steps + health.failures > 0)
            yield health
        finally:
            stop.set()
            thread.join()


def numbers_at(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        return samples(answer.read().decode())


def wait_for(happened: Callable[[], bool], within_s: float = 30) -> bool:
    until = time.monotonic() + within_s
    while not happened() and time.monotonic() < until:
        time.sleep(0.02)
    return happened()


def test_a_worker_without_its_port_says_so_and_has_it_as_soon_as_it_is_free(
    database_url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.metrics.ASK_FOR_PORT_EVERY", timedelta(milliseconds=50))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with showing(database_url, port) as health:
            assert wait_for(lambda: health.failures > 1)
            assert f"WORKER_METRICS_PORT {port} on 127.0.0.1 cannot be had" in str(health.problem)
            assert caplog.text.count("nobody can read this worker's numbers") == 1
            other.close()
            assert wait_for(lambda: health.problem is None)
            assert numbers_at(port)["cyclebook_store_up{}"] == 1


def test_without_a_store_the_rest_is_shown() -> None:
    metrics = prometheus()

    def look() -> None:
        raise Busy("away")

    metrics.watch(look, "1.0")  # type: ignore[arg-type]
    metrics.usage("accepted", 3)
    found = samples(metrics.text().decode())

    assert found["cyclebook_store_up{}"] == 0
    assert found['cyclebook_usage_records_total{outcome="accepted"}'] == 3
    assert not [name for name in found if name.startswith("cyclebook_waiting")]


def families(text: str) -> set[str]:
    return set(re.findall(r"^# TYPE (cyclebook_\w+) ", text, re.MULTILINE))


def test_the_reference_lists_every_metric_and_no_other(admin: Caller) -> None:
    listed = set(re.findall(r"^\| `(cyclebook_\w+)", REFERENCE.read_text("utf-8"), re.MULTILINE))
    shown_now = families(admin.client.get("/metrics").text)
    assert listed == {name for name in shown_now if not name.endswith("_created")}


def test_every_role_of_workers_is_counted(admin: Caller) -> None:
    assert ROLES == ROLES_OF_WORKERS
    found = read(admin.client)
    roles = {name: count for name, count in found.items() if name.startswith("cyclebook_workers")}
    assert roles == {f'cyclebook_workers{{role="{role}"}}': 0 for role in ESSENTIAL_ROLES}


def test_the_reference_lists_everything_that_waits() -> None:
    text = REFERENCE.read_text("utf-8")
    assert [name for name in WAITING if f"`{name}`" not in text] == []
