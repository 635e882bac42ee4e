"""Who may read the numbers for Prometheus; and a worker's own address for them."""

import hmac
import logging
import socket
import threading
from collections.abc import Callable, Iterable
from datetime import timedelta
from http import HTTPStatus
from ipaddress import ip_address
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from application.meters import Exposition
from application.worker import Health, Loop, every
from domain.errors import Forbidden

if TYPE_CHECKING:
    from api.settings import Settings
    from api.wiring import Wired

PATH = "/metrics"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
ASK_FOR_PORT_EVERY = timedelta(seconds=5)
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


class _OverIPv6(_Threads):
    """At an address that has colons."""

    address_family = socket.AF_INET6


class _WithoutLines(WSGIRequestHandler):
    """Not a line in the log for each time that somebody reads."""

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


def _is_here(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


class Numbers:
    """A worker's numbers at an address of its own. Where the port is taken, it is asked for again:
    the worker before this one may still be ending what it is at.

    health: why nobody can read them, if so; it is listed with the worker.
    """

    def __init__(
        self, host: str, port: int, app: Callable[[Environ, Any], Iterable[bytes]]
    ) -> None:
        self.health = Health("numbers at WORKER_METRICS_PORT")
        self._address = host, port
        self._app = app
        self._server: WSGIServer | None = None

    def step(self) -> bool:
        """Show them, if that is not so yet."""
        if self._server is None:
            try:
                self._server = self._open()
            except OSError as error:
                self._refused(error)
            else:
                self._shown()
        return False

    def close(self) -> None:
        """Show them no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _open(self) -> WSGIServer:
        host, port = self._address
        kind = _OverIPv6 if ":" in host else _Threads
        server = make_server(host, port, self._app, kind, _WithoutLines)
        threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
        return server

    def _refused(self, error: OSError) -> None:
        host, port = self._address
        self.health.failures += 1
        self.health.problem = (
            f"WORKER_METRICS_PORT {port} on {host} cannot be had: {error.strerror or error}; "
            "give each worker of a machine another one"
        )
        if self.health.failures == 1:
            log.error("nobody can read this worker's numbers: %s", self.health.problem)

    def _shown(self) -> None:
        if self.health.failures:
            log.warning("this worker's numbers can be read from now on")
        self.health.steps += 1
        self.health.failures, self.health.problem = 0, None


def numbers_loop(wired: "Wired") -> Loop | None:
    """Shows a worker's numbers, where the settings name a port."""
    settings, metrics = wired.settings, wired.metrics
    if settings.worker_metrics_port is None or metrics is None:
        return None

    def app(environ: Environ, start: Any) -> Iterable[bytes]:
        status, body = _answer(settings, metrics, environ)
        start(f"{status.value} {status.phrase}", [("Content-Type", CONTENT_TYPE)])
        return [body]

    numbers = Numbers(settings.host, settings.worker_metrics_port, app)
    again = every(ASK_FOR_PORT_EVERY)
    return Loop("metrics", numbers.step, again, at_end=numbers.close, parts=[numbers.health])
