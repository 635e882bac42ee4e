"""Requests and answers on a socket: connections stay open, an answer goes out in one piece."""

import socket
from io import BytesIO
from threading import Lock
from weakref import WeakKeyDictionary, WeakSet

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler
from werkzeug.test import run_wsgi_app

from adapters.sandbox.app import FATE

_open: WeakKeyDictionary[BaseWSGIServer, WeakSet[socket.socket]] = WeakKeyDictionary()
_lock = Lock()


class Wire(WSGIRequestHandler):
    """Keeps connections open as Stripe does, writes no line for each request, and lets an
    answer get lost or cut where the sandbox says so. Two sends for one answer would cost 40 ms
    on loopback, where one side waits for the other's acknowledgement.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Remember the connection, so that it can be ended with the server."""
        super().setup()
        with _lock:
            _open.setdefault(self.server, WeakSet()).add(self.connection)

    def run_wsgi(self) -> None:
        """Carry one request."""
        environ = self.make_environ()
        length = int(self.headers.get("Content-Length") or 0)
        environ["wsgi.input"] = BytesIO(self.rfile.read(length))
        parts, status, headers = run_wsgi_app(self.server.app, environ, buffered=True)
        fate = headers.pop(FATE, "sent")
        body = b"" if self.command == "HEAD" else b"".join(parts)
        lines = [f"{self.protocol_version} {status}", *(f"{k}: {v}" for k, v in headers.items())]
        whole = "\r\n".join([*lines, "\r\n"]).encode("latin-1") + body
        if fate != "sent":
            self.close_connection = True
        if fate != "lost":
            self.wfile.write(whole if fate == "sent" else whole[: len(whole) - len(body) // 2])

    def log(self, type: str, message: str, *args: object) -> None:
        """Say nothing."""


def hang_up(server: BaseWSGIServer) -> None:
    """End the connections that are still open, so that nobody waits at a closed sandbox."""
    with _lock:
        connections = list(_open.pop(server, ()))
    for connection in connections:
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            continue  # its client went first
