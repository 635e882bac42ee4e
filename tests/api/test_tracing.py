"""Traces: spans of requests, statements and syncs, where they are wanted, and nothing personal."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from api.app import create_app
from api.settings import Settings
from api.tracing import Tracing, tracing
from api.wiring import wire
from domain.errors import Busy

TRACE = "0af7651916cd43dd8448eb211c80319c"
HEADERS = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "X-Request-Id": "req-7"}


@pytest.fixture
def kept() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def traces(kept: InMemorySpanExporter) -> Iterator[Tracing]:
    made = Tracing("cyclebook-test", SimpleSpanProcessor(kept))
    yield made
    made.provider.shutdown()


def test_a_request_and_its_statements_are_one_trace_of_the_caller(
    traces: Tracing, kept: InMemorySpanExporter, database_url: str
) -> None:
    settings = Settings.from_environment({"DATABASE_URL": database_url})
    with traces.of_statements(), wire(settings, database_url) as wired:
        key = wired.keys.create("support", actor="test")
        app = create_app(wired)
        traces.of_requests(app)
        kept.clear()
        headers = {**HEADERS, "Authorization": f"Bearer {key}"}
        client = app.test_client()
        assert client.get("/v1/search?q=ada@acme.example", headers=headers).status_code == 200
        assert client.get("/healthz").status_code == 200
        spans = kept.get_finished_spans()

    served = next(each for each in spans if each.name.startswith("GET "))
    assert [each.name for each in spans if each.name.startswith("GET ")] == ["GET /v1/search"]
    assert f"{served.context.trace_id:032x}" == TRACE
    assert dict(served.attributes or {}) == {
        "http.request.method": "GET",
        "http.route": "/v1/search",
        "cyclebook.request": "req-7",
        "http.response.status_code": 200,
    }
    statements = [each for each in spans if _is_child(each, served)]
    assert any("SELECT" in str((each.attributes or {}).get("db.statement")) for each in statements)
    told = " ".join(str(dict(each.attributes or {})) for each in spans)
    assert "ada@acme.example" not in told
    assert key not in told


def _is_child(span: ReadableSpan, parent: ReadableSpan) -> bool:
    return span.parent is not None and span.parent.span_id == parent.context.span_id


def test_a_sync_is_a_span_with_its_failure(traces: Tracing, kept: InMemorySpanExporter) -> None:
    def sync(cycle: str, actor: str) -> object:
        raise Busy("try again")

    with pytest.raises(Busy):
        traces.of_sync(sync)("acme.2026-01-01", "sync")

    (span,) = kept.get_finished_spans()
    assert (span.name, span.status.is_ok) == ("sync", False)
    assert dict(span.attributes or {}) == {"cyclebook.cycle": "acme.2026-01-01"}


def test_they_are_off_unless_wanted_and_then_nothing_is_loaded() -> None:
    assert tracing(Settings.from_environment({}), "x") is None
    look = "import sys, api.app, api.worker, api.server; print('opentelemetry' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_they_are_sent_where_the_usual_variables_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    made = tracing(Settings.from_environment({"OTEL": "true"}), "cyclebook-api")
    assert made is not None
    assert made.provider.resource.attributes["service.name"] == "cyclebook-api"
    made.provider.shutdown()
