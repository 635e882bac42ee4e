"""A TCP way to a server that can be cut, and stays cut until it is mended.

The server listens on TCP, or, where its host is a folder, on PostgreSQL's socket in that.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict

CHUNK = 1 << 16


class Relay:
    """Passes bytes both ways. seen: how many went to the server so far."""

    def __init__(self, host: str, port: int) -> None:
        self._family = socket.AF_UNIX if host.startswith("/") else socket.AF_INET
        self._target = f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host, port)
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._whole = True
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.connections = 0
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def cut(self) -> None:
        """End every connection in the middle of whatever goes over it, and take no new one."""
        with self._lock:
            self._whole = False
            self._end_all()

    def mend(self) -> None:
        """Take connections again."""
        with self._lock:
            self._whole = True

    def close(self) -> None:
        """End it."""
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.cut()
        for thread in list(self._threads):
            thread.join()

    def _end_all(self) -> None:
        for each in self._open:
            with suppress(OSError):  # the other side was faster
                each.shutdown(socket.SHUT_RDWR)
        self._open = []

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            with self._lock:
                if not self._whole:
                    near.close()
                    continue
                far = socket.socket(self._family)
                far.connect(self._target)
                self.connections += 1
                self._open += [near, far]
            for one, other in ((near, far), (far, near)):
                thread = threading.Thread(target=_pass, args=(one, other))
                self._threads.append(thread)
                thread.start()


def _pass(one: socket.socket, other: socket.socket) -> None:
    with one, suppress(OSError):
        while chunk := one.recv(CHUNK):
            other.sendall(chunk)
    with suppress(OSError):
        other.shutdown(socket.SHUT_RDWR)


@contextmanager
def relay_to_database(url: str) -> Iterator[tuple[Relay, str]]:
    """A relay to a database, and the URL of the database by way of it."""
    known = conninfo_to_dict(url)
    host, port = str(known["host"]), int(known.get("port") or 5432)
    with relay_to(host, port) as relay:
        who = urlsplit(url).netloc.rpartition("@")[0]
        yield relay, f"postgresql://{who}@127.0.0.1:{relay.port}/{known['dbname']}"


@contextmanager
def relay_to(host: str, port: int) -> Iterator[Relay]:
    """A relay that runs."""
    relay = Relay(host, port)
    try:
        yield relay
    finally:
        relay.close()
