"""Who may read the numbers for Prometheus; and a worker's own address for them."""

import hmac
import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from ipaddress import ip_address
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from application.meters import Exposition
from domain.errors import Forbidden

if TYPE_CHECKING:
    from api.settings import Settings
    from api.wiring import Wired

PATH = "/metrics"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_FROM_ELSEWHERE = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED")

log = logging.getLogger(__name__)

Environ = dict[str, Any]


def require_reader(settings: "Settings", environ: Environ) -> None:
    """Let Prometheus read, and nobody else. environ: of the request, as WSGI has it.

    Raises:
        Forbidden: the request does not carry the token; or there is none, and it comes from
            elsewhere.
    """
    if settings.metrics_token:
        given = str(environ.get("HTTP_AUTHORIZATION", "")).removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), settings.metrics_token.encode()):
            raise Forbidden("send METRICS_TOKEN: Authorization: Bearer ...")
        return
    # A proxy on this machine speaks for somebody elsewhere.
    if not _is_here(str(environ.get("REMOTE_ADDR", ""))) or any(map(environ.get, _FROM_ELSEWHERE)):
        raise Forbidden("set METRICS_TOKEN, so that /metrics can be read from elsewhere")


def _answer(
    settings: "Settings", metrics: Exposition, environ: Environ
) -> tuple[HTTPStatus, bytes]:
    try:
        require_reader(settings, environ)
        return HTTPStatus.OK, metrics.text()
    except Forbidden as error:
        return HTTPStatus.FORBIDDEN, f"{error}\n".encode()


class _Threads(ThreadingMixIn, WSGIServer):
    """Nobody who reads slowly keeps others waiting."""

    daemon_threads = True


class _WithoutLines(WSGIRequestHandler):
    """Not a line in the log for each time that somebody reads."""

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


def _is_here(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


@contextmanager
def shown(wired: "Wired") -> Iterator[int | None]:
    """Show a worker's numbers while the block runs, where the settings name a port; which."""
    settings, metrics = wired.settings, wired.metrics
    if settings.worker_metrics_port is None or metrics is None:
        yield None
        return

    def app(environ: Environ, start: Any) -> Iterable[bytes]:
        status, body = _answer(settings, metrics, environ)
        start(f"{status.value} {status.phrase}", [("Content-Type", CONTENT_TYPE)])
        return [body]

    try:
        server = make_server(
            settings.host, settings.worker_metrics_port, app, _Threads, _WithoutLines
        )
    except OSError as error:  # another worker has the port; this one works all the same
        log.error("no numbers at WORKER_METRICS_PORT %d: %s", settings.worker_metrics_port, error)
        yield None
        return
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
