"""What is soaked: ``cyclebook up``, another API, workers, and organizations that pay by use."""

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

from tests.acceptance.running import START_MAX_S, STOP_MAX_S, Running, free_port

ORGANIZATIONS = tuple(f"org-{number:02}" for number in range(20))
UNIT_PRICE = 2
MORE_WORKERS = 1
COMMAND_MAX_S = 900
FEW = {"THREADS": "3", "SYNC_THREADS": "3", "STRIPE_READS_PER_INVOICE": "0"}
"""Many processes share the embedded server's hundred connections; drafts never wait for reads."""


class Stage(Running):
    """The running service. key: an admin's. more: the workers beside its own.

    An API and a worker are spared, so that their memory can be watched. other: that API's address.
    """

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.key = ""
        self.more: list[subprocess.Popen[bytes]] = []
        self._spared: list[subprocess.Popen[bytes]] = []
        self._other_port = free_port()
        self.other = f"http://127.0.0.1:{self._other_port}"

    @property
    def environment(self) -> dict[str, str]:
        """What its processes are told."""
        return super().environment | FEW

    def open(self) -> None:
        """Start everything, and make the catalog and the organizations."""
        self.start()
        self.key = json.loads(self.cli("keys", "create", "--role", "admin", "--json"))["key"]
        for method, path, body in _setting_up():
            status, answer = self.call(method, path, body, self.key)
            assert status in (200, 201), (path, answer)
        self.more = [self._begun("work") for _ in range(MORE_WORKERS)]
        self._spared = [self._begun("work"), self._begun("serve")]
        self.until(self._other_answers, START_MAX_S)

    def is_spared(self, pid: int) -> bool:
        """Whether nobody may kill a process; pid: its own, or its parent's."""
        return pid in [each.pid for each in self._spared]

    def look_after(self) -> None:
        """Start workers that died again; ``up`` does so for its own."""
        for place, each in enumerate(self.more):
            if each.poll() is not None:
                self.more[place] = self._begun("work")

    def close(self) -> None:
        """Stop everything in order."""
        beside = [*self.more, *self._spared]
        for each in beside:
            with suppress(ProcessLookupError):
                each.send_signal(signal.SIGTERM)
        for each in beside:
            each.wait(STOP_MAX_S)
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

    def _other_answers(self) -> bool:
        try:
            return requests.get(f"{self.other}/readyz", timeout=10).ok
        except requests.ConnectionError:
            return False

    @property
    def _sandbox(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}/_sandbox"

    def _begun(self, command: str) -> "subprocess.Popen[bytes]":
        environment = self.environment | {"PORT": str(self._other_port), "WORKERS": "1"}
        with (self.home / "beside.log").open("ab") as log:
            return subprocess.Popen(self._command(command), env=environment, stdout=log, stderr=log)


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
    try:
        made.open()
        yield made
    finally:
        made.close()
