"""Cyclebook as a user runs it: ``cyclebook up`` in a process group of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

START_MAX_S = 60
STOP_MAX_S = 30


def free_port() -> int:
    """A port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Running:
    """One ``cyclebook up`` over a folder; it can be killed and started again."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port, self.sandbox_port = free_port(), free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.log = home / "up.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What its processes, and commands beside them, are told."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in ("DATABASE_URL", "STRIPE_API_KEY")
        }
        return kept | {
            "CYCLEBOOK_HOME": str(self.home / "data"),
            "PORT": str(self.port),
            "SANDBOX_PORT": str(self.sandbox_port),
            "SYNC_INTERVAL_S": "1",
        }

    def start(self) -> None:
        """Start, and wait until the API answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command("up"),
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.until(self._ready, START_MAX_S)

    def cli(self, *arguments: str) -> str:
        """What a command beside it prints."""
        done = subprocess.run(
            self._command(*arguments),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def call(self, method: str, path: str, body: Any = None, key: str = "") -> tuple[int, Any]:
        """Status and JSON of a request; status 0 where nobody answered."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
        request = urllib.request.Request(
            self.base + path, data=data, headers=headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")
        except (OSError, ValueError):
            return 0, None

    def until(self, done: Callable[[], bool], seconds: int) -> None:
        """Wait for something to become true."""
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, self.log.read_text()[-4000:]
            time.sleep(0.1)

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop; its exit status."""
        assert self.process is not None
        self.process.send_signal(sign)
        return self.process.wait(STOP_MAX_S)

    def processes(self) -> dict[int, str]:
        """Every process that was told this home, and its command line."""
        mark = f"CYCLEBOOK_HOME={self.home / 'data'}".encode()
        found = {}
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                try:
                    if mark in (folder / "environ").read_bytes():
                        line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                        found[int(folder.name)] = line
                except OSError:  # it ended meanwhile, or is somebody else's
                    continue
        return found

    def _ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-4000:]
        return self.call("GET", "/readyz")[0] == 200

    @staticmethod
    def _command(*arguments: str) -> list[str]:
        run = "from api.cli.main import main; main()"
        return [sys.executable, "-c", run, *arguments]
