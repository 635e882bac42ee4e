"""What users meet through the nginx of ``deploy/``: a real one in front of ``cyclebook serve``."""

import gzip
import hmac
import http.client
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from api.http.usage import RECORD
from api.limits import BODY_BYTES_MAX, BODY_TOO_LARGE, RECORDS_PER_REQUEST_MAX, TEXT_MAX
from api.settings import SANDBOX_WEBHOOK_SECRET
from tests.acceptance.nginx import PROGRAM, Answer, Nginx, exchanged
from tests.acceptance.test_serve import Serving
from tests.api.conftest import CYCLE, START, day

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="no nginx here: apt-get install nginx-light"
)

JSON = {"Content-Type": "application/json"}


class Behind(Serving):
    """A service that trusts the nginx on its machine."""

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {"TRUSTED_PROXIES": "127.0.0.1", "WORKERS": "1"}


class Front:
    """An nginx, the service behind it, and an admin who speaks to both."""

    def __init__(self, nginx: Nginx, behind: Behind) -> None:
        self.nginx = nginx
        self.behind = behind
        self.key = behind.cli("keys", "create", "--role", "admin").split()[-1]

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        key = {"Authorization": f"Bearer {self.key}"}
        return self.nginx.call(method, path, data, {**JSON, **key, **headers})


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    home, data = tmp_path_factory.mktemp("nginx"), tmp_path_factory.mktemp("serve")
    for folder in (data, *data.parents[:2]):
        folder.chmod(0o755)  # as root, the server's account has to enter
    behind = Behind(data)
    behind.start()
    nginx = Nginx(home, behind.port)
    try:
        with nginx.running():
            yield Front(nginx, behind)
    finally:
        assert behind.stop() == 0


@pytest.fixture(scope="module")
def acme(front: Front) -> str:
    """An organization with 10,000 usage records, sent in one body of nearly 8 MiB."""
    meter = {"unit": "hour", "dimensions": ["region"]}
    price = {"price": "cpu", "currency": "usd", "kind": "metered", "meter": "cpu"}
    price |= {"model": "per_unit", "unit_amount": "2.5"}
    acme = {"name": "Acme", "currency": "usd", "anchor_day": START.day, "starts_at": day(0)}
    attachment = {"attachment": "a1", "service": "machine", "at": day(1)}
    for method, path, body in [
        ("PUT", "/v1/meters/cpu", meter),
        ("POST", "/v1/prices", price),
        ("PUT", "/v1/services/machine", {"name": "Machine", "prices": ["cpu"]}),
        ("PUT", "/v1/organizations/acme", acme),
        ("POST", "/v1/organizations/acme/attachments", attachment),
    ]:
        assert front(method, path, body).status < 300
    about = {**RECORD, "occurred_at": day(4), "source": "s" * TEXT_MAX}
    records = [
        {**about, "id": f"{number:0{TEXT_MAX}}"} for number in range(RECORDS_PER_REQUEST_MAX)
    ]
    answer = front("POST", "/v1/usage", records)
    assert json.loads(answer.body)["accepted"] == RECORDS_PER_REQUEST_MAX
    return "acme"


def test_nginx_finds_no_fault_with_the_file(front: Front) -> None:
    done = subprocess.run(front.nginx.command("-t"), capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", ["/readyz", "/v1/organizations", "/sign-in", "/docs/"])
def test_pages_and_api_are_reached_over_tls(front: Front, path: str) -> None:
    answer = front("GET", path)
    assert (answer.status, answer.headers["Content-Encoding"]) == (200, None)
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_without_tls_there_is_a_redirect_and_what_certbot_asks(front: Front) -> None:
    challenge = front.nginx.www / ".well-known" / "acme-challenge" / "token"
    challenge.parent.mkdir(parents=True)
    challenge.write_text("proof", "utf-8")

    def plain(path: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", front.nginx.http, timeout=20)
        try:
            return exchanged(connection, "GET", path, None, {"Host": "billing.example.com"})
        finally:
            connection.close()

    moved = plain("/sign-in?next=/billing/")
    assert (moved.status, moved.headers["Location"]) == (
        301,
        "https://billing.example.com/sign-in?next=/billing/",
    )
    assert plain("/.well-known/acme-challenge/token").body == b"proof"


def test_what_never_changes_is_compressed_and_nothing_else(front: Front, acme: str) -> None:
    takes = {"Accept-Encoding": "gzip"}
    style = front("GET", "/static/cyclebook.css", **takes)
    assert style.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(style.body) == front("GET", "/static/cyclebook.css").body
    for path in ("/sign-in", "/v1/organizations/acme", "/openapi.json"):
        assert front("GET", path, **takes).headers["Content-Encoding"] is None


def test_an_answer_keeps_its_etag(front: Front, acme: str) -> None:
    path = "/v1/organizations/acme/invoices/current"
    first = front("GET", path, **{"Accept-Encoding": "gzip"})
    again = front("GET", path, **{"If-None-Match": first.headers["ETag"]})
    assert (first.status, again.status, again.body) == (200, 304, b"")


@pytest.mark.parametrize(
    "path", ["/metrics", "//metrics", "/%6detrics", "/v1/../metrics", "/metrics/", "/metrics?x=1"]
)
def test_the_numbers_stay_on_the_machine(front: Front, path: str) -> None:
    answer = front("GET", path)
    assert answer.status == 404 and b"cyclebook_" not in answer.body


@pytest.mark.parametrize("more", [1, BODY_BYTES_MAX], ids=["a byte", "twice as much"])
def test_a_body_that_is_too_large_is_refused_in_the_words_of_the_api(
    front: Front, more: int
) -> None:
    answer = front.nginx.call("POST", "/v1/usage", b"x" * (BODY_BYTES_MAX + more), JSON)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (answer.status, json.loads(answer.body)) == (
        413,
        {
            "type": "urn:cyclebook:problem:too_large",
            "title": "Request Entity Too Large",
            "status": 413,
            "code": "too_large",
            "detail": BODY_TOO_LARGE,
        },
    )


def test_as_much_as_may_be_sent_arrives(front: Front) -> None:
    answer = front("POST", "/v1/usage", "x" * (BODY_BYTES_MAX - len('""')))
    assert (answer.status, json.loads(answer.body)["code"]) == (422, "invalid_input")


@pytest.mark.parametrize(
    "path",
    ["/v1/organizations/acme/export", f"/v1/invoices/{CYCLE}/export"],
    ids=["all", "invoice"],
)
def test_an_export_arrives_whole(front: Front, acme: str, path: str) -> None:
    answer = front("GET", path)
    rows = answer.body.splitlines()
    assert (answer.status, answer.headers["X-Accel-Buffering"]) == (200, None)
    assert len(answer.body) > BODY_BYTES_MAX // 4
    assert json.loads(rows[-1]) and answer.body.endswith(b"\n")


def test_a_stream_is_passed_on_as_it_comes(tmp_path: Path) -> None:
    """The second row is made only after the first one was read."""
    read = threading.Event()

    def rows(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("X-Accel-Buffering", "no")])
        yield b"first\n"
        yield b"second\n" if read.wait(20) else b"kept back\n"

    with answering(rows) as port:
        nginx = Nginx(tmp_path, port)
        with nginx.running():
            connection = nginx.connection()
            connection.request("GET", "/v1/exports/journal")
            answer = connection.getresponse()
            assert answer.readline() == b"first\n"
            read.set()
            assert answer.read() == b"second\n"
            connection.close()


@contextmanager
def answering(application: Any) -> Iterator[int]:
    """The port of a server that answers so."""
    with make_server("127.0.0.1", 0, application, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


class Quiet(WSGIRequestHandler):
    """Writes no log."""

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


def test_limits_are_for_each_address_and_nobody_speaks_for_another(front: Front) -> None:
    def guess(number: int, address: str) -> int:
        made_up = {"Authorization": f"Bearer guess-{number}", "X-Forwarded-For": f"10.0.0.{number}"}
        return front.nginx.call("GET", "/v1/organizations", None, made_up, address).status

    statuses = [guess(number, "127.0.0.2") for number in range(200)]
    assert set(statuses) == {401, 429}
    assert guess(1, "127.0.0.3") == 401


@pytest.mark.parametrize("change", [b"", b" "], ids=["as it was signed", "changed"])
def test_a_webhook_arrives_byte_by_byte(front: Front, change: bytes) -> None:
    event = {"id": "evt_1", "object": "event", "type": "invoice.paid", "created": 1767225600}
    about = {"id": "in_1", "object": "invoice", "metadata": {"name": "Bäcker ☕"}}
    body = json.dumps({**event, "data": {"object": about}}, indent=7, ensure_ascii=False).encode()
    stamp = int(time.time())
    signed = hmac.digest(SANDBOX_WEBHOOK_SECRET.encode(), b"%d." % stamp + body, "sha256")
    headers = {**JSON, "Stripe-Signature": f"t={stamp},v1={signed.hex()}"}
    answer = front.nginx.call("POST", "/webhooks/stripe", body + change, headers)
    assert answer.status == (400 if change else 200)
