"""Traces by OpenTelemetry, where they are wanted: of requests, of syncs, of statements.

Its packages are an extra, and nothing of them is loaded otherwise. Spans carry rules of addresses,
ids of requests and names of cycles: never a whole address, a body or a parameter of a statement.
"""

from collections.abc import Callable
from contextlib import contextmanager
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, g, request

from domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import SpanProcessor

    from api.settings import Settings

UNTRACED = frozenset({"/healthz", "/readyz", "/metrics", "/static/<path:filename>"})
_PACKAGES = (
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.sdk.trace.export",
    "opentelemetry.instrumentation.psycopg",
)

Sync = Callable[[str, str], object]


class Tracing:
    """Makes spans. service: how this process is called in them."""

    def __init__(self, service: str, processor: "SpanProcessor") -> None:
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider

        ours = Resource.create({"service.name": service})
        # What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say goes first.
        self.provider = TracerProvider(resource=ours.merge(OTELResourceDetector().detect()))
        self.provider.add_span_processor(processor)
        self._tracer = self.provider.get_tracer("cyclebook")

    def of_requests(self, app: Flask) -> None:
        """A span for each request, a child of the caller's."""
        app.before_request(self._begin)
        app.after_request(_tell)
        app.teardown_request(_end)

    def of_sync(self, sync: Sync) -> Sync:
        """A span for each sync."""

        @wraps(sync)
        def traced(cycle: str, actor: str) -> object:
            with self._tracer.start_as_current_span("sync", attributes={"cyclebook.cycle": cycle}):
                return sync(cycle, actor)

        return traced

    @contextmanager
    def of_statements(self) -> "Iterator[None]":
        """A span for each statement on connections that are opened in the block."""
        from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor

        instrumentor = PsycopgInstrumentor()
        instrumentor.instrument(tracer_provider=self.provider)
        try:
            yield
        finally:
            instrumentor.uninstrument()
            self.provider.shutdown()

    def _begin(self) -> None:
        from opentelemetry import context, propagate, trace

        rule = request.url_rule.rule if request.url_rule else "none"
        if rule in UNTRACED:
            return
        span = self._tracer.start_span(
            f"{request.method} {rule}",
            context=propagate.extract(request.headers),
            kind=trace.SpanKind.SERVER,
            attributes={
                "http.request.method": request.method,
                "http.route": rule,
                "cyclebook.request": g.get("request_id", ""),
            },
        )
        g.span, g.span_token = span, context.attach(trace.set_span_in_context(span))


def tracing(settings: "Settings", service: str) -> Tracing | None:
    """As the settings want it: sent by OTLP over HTTP to where ``OTEL_EXPORTER_OTLP_*`` say.

    Raises:
        InvalidInput: it is wanted, and its packages are not installed.
    """
    if not settings.otel:
        return None
    require_packages(settings)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    return Tracing(service, BatchSpanProcessor(OTLPSpanExporter()))


def require_packages(settings: "Settings") -> None:
    """Refuse to trace without the packages for it.

    Raises:
        InvalidInput: traces are wanted, and what makes and sends them is not installed.
    """
    if not settings.otel:
        return
    try:
        for name in _PACKAGES:
            import_module(name)
    except ModuleNotFoundError as error:
        raise InvalidInput(
            "OTEL is true, and its packages are not installed: pip install 'cyclebook[otel]'",
            field="OTEL",
        ) from error


def _tell(response: Response) -> Response:
    if span := g.get("span"):
        span.set_attribute("http.response.status_code", response.status_code)
        if response.status_code >= 500:
            from opentelemetry.trace import StatusCode

            span.set_status(StatusCode.ERROR)
    return response


def _end(_: Any) -> None:
    if span := g.pop("span", None):
        from opentelemetry import context

        context.detach(g.pop("span_token"))
        span.end()
