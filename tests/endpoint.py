"""An endpoint for webhooks, on this machine: it keeps what comes and answers as it is told."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any, NamedTuple


class Came(NamedTuple):
    """One delivery, and what it was answered."""

    answer: int
    body: bytes
    signature: str


@dataclass
class Endpoint:
    """answers: to be given, in turn; 200 once there are none left."""

    url: str = ""
    came: list[Came] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)


@contextmanager
def listening() -> Iterator[Endpoint]:
    """An endpoint that listens."""
    endpoint = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = endpoint.answers.pop(0) if endpoint.answers else 200
            endpoint.came.append(Came(answer, body, self.headers["Stripe-Signature"]))
            self.send_response(answer)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    endpoint.url = f"http://127.0.0.1:{server.server_port}/hook"
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield endpoint
    server.shutdown()
    server.server_close()
