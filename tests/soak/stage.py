"""What is soaked: ``cyclebook up``, two workers more, and organizations that pay by use."""

import json
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from tests.acceptance.running import Running

ORGANIZATIONS = tuple(f"org-{number:02}" for number in range(20))
UNIT_PRICE = 2
MORE_WORKERS = 2
COMMAND_MAX_S = 900


class Stage(Running):
    """The running service. key: an admin's. more: the workers beside its own."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.key = ""
        self.more: list[subprocess.Popen[bytes]] = []

    def open(self) -> None:
        """Start everything, and make the catalog and the organizations."""
        self.start()
        self.key = json.loads(self.cli("keys", "create", "--role", "admin", "--json"))["key"]
        for method, path, body in _setting_up():
            status, answer = self.call(method, path, body, self.key)
            assert status in (200, 201), (path, answer)
        for _ in range(MORE_WORKERS):
            self.more.append(self._worker())

    def look_after(self) -> None:
        """Start workers that died again; ``up`` does so for its own."""
        for place, each in enumerate(self.more):
            if each.poll() is not None:
                self.more[place] = self._worker()

    def close(self) -> None:
        """Stop everything in order."""
        for each in self.more:
            with suppress(ProcessLookupError):
                each.send_signal(signal.SIGTERM)
        for each in self.more:
            each.wait(30)
        assert self.stop() == 0

    def command(self, *arguments: str) -> tuple[int, Any]:
        """Exit status and JSON of a command beside it."""
        done = subprocess.run(
            self._command(*arguments, "--json"),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_MAX_S,
            check=False,
        )
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    def spoil(self, **fault: Any) -> None:
        """Have Stripe fail; nothing where it is away itself."""
        with suppress(requests.ConnectionError):
            requests.post(f"{self._sandbox}/faults", json=fault, timeout=10)

    def mend(self) -> None:
        """Take back what was to fail."""
        requests.delete(f"{self._sandbox}/faults", timeout=10).raise_for_status()

    @property
    def _sandbox(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}/_sandbox"

    def _worker(self) -> "subprocess.Popen[bytes]":
        with (self.home / "workers.log").open("ab") as log:
            return subprocess.Popen(
                self._command("work"), env=self.environment, stdout=log, stderr=log
            )


def _setting_up() -> Iterator[tuple[str, str, dict[str, Any]]]:
    price = {"price": "cpu", "currency": "usd", "kind": "metered", "meter": "cpu"}
    price |= {"model": "per_unit", "unit_amount": str(UNIT_PRICE)}
    yield "PUT", "/v1/meters/cpu", {"aggregation": "sum", "unit": "hour"}
    yield "POST", "/v1/prices", price
    yield "PUT", "/v1/services/machine", {"name": "Machine", "prices": ["cpu"]}
    month = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    attached = {"attachment": "a1", "service": "machine", "quantity": "1", "at": month.isoformat()}
    for name in ORGANIZATIONS:
        about = {"name": name, "currency": "usd", "time_zone": "UTC", "anchor_day": 1}
        yield "PUT", f"/v1/organizations/{name}", about
        yield "POST", f"/v1/organizations/{name}/attachments", attached


@contextmanager
def stage() -> Iterator[Stage]:
    """A stage in a folder of its own, stopped afterwards; the folder is kept where it fails."""
    home = Path(tempfile.mkdtemp(prefix="cyclebook-soak-"))
    home.chmod(0o711)  # as root, the database's account has to enter
    made = Stage(home)
    made.open()
    try:
        yield made
    finally:
        made.close()
