"""The service as it is run: ``cyclebook serve`` on a database, its CPU and memory, its clients."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from adapters.postgres.database import Database
from adapters.postgres.keys import PostgresKeys
from application.keys import Keys

WORKERS = 2
STARTS_WITHIN_S = 30
STOPS_WITHIN_S = 30
ANSWERS_WITHIN_S = 60
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
HOST = "127.0.0.1"
RECEIVED_AT_ONCE = 1 << 20

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


@dataclass(frozen=True, kw_only=True)
class Service:
    """A running service. key: an admin's."""

    port: int
    key: str
    gunicorn: int
    postgres: int

    @contextmanager
    def client(self) -> Iterator["Client"]:
        """A connection that is kept open until the block ends."""
        with socket.create_connection((HOST, self.port), ANSWERS_WITHIN_S) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            yield Client(connection, self.key)

    def cpu_seconds(self) -> float:
        """What the service's processes and the database's have used so far."""
        return _cpu(self.gunicorn) + _cpu(self.postgres)

    def worker_megabytes(self) -> float:
        """Memory of the largest worker."""
        return max(_resident(worker) for worker in _children(self.gunicorn)) / 1e6


class Client:
    """One client with one connection: a bare socket, which takes little of the machine's time."""

    def __init__(self, connection: socket.socket, key: str) -> None:
        self._connection = connection
        self._headers = (
            f"Host: {HOST}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
        )

    def post(self, path: str, body: bytes) -> bytes:
        """Send a body; the answer."""
        return self._ask(f"POST {path}", body)

    def get(self, path: str) -> bytes:
        """Ask for something."""
        return self._ask(f"GET {path}", b"")

    def _ask(self, what: str, body: bytes) -> bytes:
        head = f"{what} HTTP/1.1\r\n{self._headers}Content-Length: {len(body)}\r\n\r\n"
        self._connection.sendall(head.encode() + body)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer = self._receive(answer)
        start, _, content = answer.partition(b"\r\n\r\n")
        length = _LENGTH.search(start)
        while length and len(content) < int(length[1]):
            content = self._receive(content)
        if not start.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"{what}: {(start + content).decode()[:1000]}")
        return content

    def _receive(self, so_far: bytes) -> bytes:
        more = self._connection.recv(RECEIVED_AT_ONCE)
        if not more:
            raise ConnectionResetError("the service hung up")
        return so_far + more


@contextmanager
def service(url: str) -> Iterator[Service]:
    """Serve a database until the block ends."""
    database = Database(url)
    key = Keys(PostgresKeys(database)).create("admin", actor="benchmark")
    database.close()
    port = free_port()
    settings = {
        "DATABASE_URL": url,
        "PORT": str(port),
        "WORKERS": str(WORKERS),
        "RATE_LIMIT_PER_S": "1000000",  # one key asks for all that is measured
        "LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", "api.cli.main", "serve"]
    root = Path(__file__).resolve().parent.parent
    process = subprocess.Popen(command, env={**os.environ, **settings}, cwd=root)
    try:
        found = Service(port=port, key=key, gunicorn=process.pid, postgres=_postmaster(url))
        _await(found, process)
        yield found
    finally:
        process.terminate()
        process.wait(STOPS_WITHIN_S)


def _await(found: Service, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + STARTS_WITHIN_S
    while True:
        try:
            with found.client() as client:
                client.get("/healthz")  # not ready: nothing follows the log here
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            if len(_children(found.gunicorn)) == WORKERS:
                return


def free_port() -> int:
    """A port nobody listens on right now."""
    with socket.socket() as found:
        found.bind((HOST, 0))
        port: int = found.getsockname()[1]
        return port


def _postmaster(url: str) -> int:
    with psycopg.connect(url) as connection:
        return _parent(connection.info.backend_pid)


def _stat(process: int) -> list[str]:
    """The fields of its ``stat`` from its state on, which is the third; see proc(5)."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()


def _parent(process: int) -> int:
    return int(_stat(process)[1])


def _children(process: int) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if _parent(int(entry.name)) == process:
                found.append(int(entry.name))
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
    return found


def _cpu(process: int) -> float:
    """Of a process, of its children, and of those that have ended, in seconds."""
    ticks = sum(int(field) for field in _stat(process)[11:15])
    ticks += sum(int(field) for child in _children(process) for field in _stat(child)[11:13])
    return ticks / TICKS_A_SECOND


def _resident(process: int) -> int:
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE_BYTES
