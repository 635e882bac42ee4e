"""A way to the service that cuts, delays, loses and doubles what goes over it."""

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

LATE_S = 0.6
"""Longer than a client waits that says ``timeout_s=0.4``."""


class Came(NamedTuple):
    """One request that came, and when."""

    at: float
    path: str
    body: bytes


class Answer(NamedTuple):
    """What the service said."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def raw(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} As-It-Is"]
        kept = [pair for pair in self.headers if pair[0] != "Content-Length"]
        lines += [f"{name}: {text}" for name, text in kept]
        lines += [f"Content-Length: {len(self.body)}", "", ""]
        return "\r\n".join(lines).encode() + self.body


class Broken(NamedTuple):
    """What is done to a request. forwards: how often it reaches the service. answer: what of the
    service's answer, or another, comes back. late_s: after how long."""

    forwards: int
    answer: Callable[[Answer], bytes]
    late_s: float = 0.0


def instead(status: int, body: bytes, *headers: tuple[str, str]) -> Callable[[Answer], bytes]:
    return lambda _: Answer(status, list(headers), body).raw()


NOTHING = Answer(200, [], b"")
GONE: Callable[[Answer], bytes] = lambda _: b""  # noqa: E731
FAULTS = {
    "cut before the service hears of it": Broken(0, GONE),
    "the answer is lost": Broken(1, GONE),
    "the answer is cut": Broken(1, lambda answer: answer.raw()[:-20]),
    "the head of the answer is cut": Broken(1, lambda answer: answer.raw()[:30]),
    "the answer comes too late": Broken(1, Answer.raw, LATE_S),
    "the request is doubled": Broken(2, Answer.raw),
    "the answer is doubled": Broken(1, lambda answer: answer.raw() * 2),
    "unavailable, try at once": Broken(0, instead(503, b"{}", ("Retry-After", "0"))),
    "unavailable, though it was done": Broken(1, instead(503, b"{}")),
    "too many requests": Broken(0, instead(429, b"", ("Retry-After", "0.05"))),
    "a gateway's page": Broken(1, instead(502, b"<html>Bad Gateway</html>")),
    "a page instead of the answer": Broken(1, instead(200, b"<html>Welcome</html>")),
    "an answer to something else": Broken(1, instead(200, b'{"accepted": 0, "items": []}')),
    "an answer of another kind": Broken(1, instead(200, b"[]")),
    "no HTTP at all": Broken(1, lambda _: b"\x16\x03\x01 what?\r\n\r\n"),
}


@dataclass
class Proxy:
    """next_fault: what is done to the next request; ``None``: nothing. gate: closed, all waits."""

    target: str
    url: str = ""
    came: list[Came] = field(default_factory=list)
    next_fault: Callable[[], Broken | None] = lambda: None
    gate: threading.Event = field(default_factory=threading.Event)

    def breaks(self, *faults: Broken) -> None:
        """Do this to the next requests, in turn, and nothing to those after them."""
        coming = list(faults)
        self.next_fault = lambda: coming.pop(0) if coming else None

    def forward(self, handler: BaseHTTPRequestHandler, body: bytes) -> Answer:
        request = urllib.request.Request(
            self.target + handler.path, body or None, method=handler.command
        )
        for name, text in handler.headers.items():
            if name.lower() not in ("host", "connection", "content-length"):
                request.add_header(name, text)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return Answer(answer.status, list(answer.headers.items()), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, list(error.headers.items()), error.read())


@contextmanager
def proxy_to(target: str) -> Iterator[Proxy]:
    """A proxy that runs."""
    proxy = Proxy(target)
    proxy.gate.set()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def handle_request(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with lock:
                proxy.came.append(Came(time.monotonic(), self.path, body))
                fault = proxy.next_fault() or Broken(1, Answer.raw)
            assert proxy.gate.wait(20)
            answer = NOTHING
            for _ in range(fault.forwards):
                answer = proxy.forward(self, body)
            time.sleep(fault.late_s)
            self.close_connection = True
            with suppress(OSError):  # the client may have given up on it, as it should
                self.wfile.write(fault.answer(answer))

        do_GET = do_POST = do_PUT = handle_request

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False  # each is waited for: no request outlives its test
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield proxy
    finally:
        proxy.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()
