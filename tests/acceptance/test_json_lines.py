"""LOG_FORMAT=json: each line of a log is an object, whoever wrote it, and holds no secret."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.running import STOP_MAX_S, Running

pytestmark = pytest.mark.timeout(240)

SECRETS = {"SECRET_KEY": "canary-of-the-sessions", "METRICS_TOKEN": "canary-of-the-metrics"}
EMAIL = "canary@example.org"
KEPT = {"at", "level", "logger", "message"}


class Logging(Running):
    """Processes that log in JSON; what is for people goes elsewhere."""

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | SECRETS | {"LOG_FORMAT": "json", "STRIPE_APIKEY": EMAIL}

    def start(self) -> None:
        self.process = self.begin("up")
        self.until(self._ready, 60)

    def begin(self, *arguments: str, **settings: str) -> "subprocess.Popen[bytes]":
        """A process whose log is added to the others'."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self._command(*arguments),
                env=self.environment | settings,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def says(self, *words: str) -> bool:
        return any(all(word in str(line) for word in words) for line in self.lines())


def test_every_line_of_everything_that_runs_is_an_object(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    case = Logging(tmp_path)
    case.start()
    try:
        members = [{"user": "ada", "email": EMAIL, "role": "owner"}]
        key = case.cli("keys", "create", "--role", "admin").split()[-1]
        acme = {"name": EMAIL, "currency": "usd", "members": members}
        assert case.call("PUT", "/v1/organizations/acme", acme, key)[0] < 300

        kill(case, "/postgres -D", signal.SIGKILL)
        case.until(lambda: case.says("PostgreSQL is gone"), 60)
        kill(case, "main() work", signal.SIGKILL)
        case.until(lambda: case.says("worker ended with SIGKILL"), 60)
        case.until(lambda: case.call("GET", "/v1/organizations/acme", key=key)[0] == 200, 60)
    finally:
        assert case.stop() == 0

    lines = case.lines()
    assert all(line.keys() >= KEPT for line in lines)
    assert {line.get("process") for line in lines} == {None, "sandbox", "api", "worker"}
    said = case.log.read_text()
    assert [each for each in (*SECRETS.values(), EMAIL, key) if each in said] == []
    for words in (
        ["STRIPE_APIKEY is no setting"],
        ["sandbox at http://"],
        ["working: project"],
        ["gunicorn.error", "Listening at"],
    ):
        assert case.says(*words), words


def kill(case: Running, which: str, sign: signal.Signals) -> None:
    """Send a signal to the first process with these words in its command line."""
    found = [pid for pid, line in case.processes().items() if which in line]
    os.kill(min(found), sign)


@pytest.mark.parametrize(
    ("arguments", "settings", "status", "words"),
    [
        pytest.param("serve", {"PORT": "x"}, 2, "PORT has to be", id="serve, a malformed setting"),
        pytest.param("sandbox", {"SHADOW": "x"}, 2, "SHADOW has to be", id="sandbox, malformed"),
        pytest.param("up", {"SMTP_URL": "smtp://x"}, 2, "needs MAIL_FROM", id="up, one missing"),
        pytest.param("work --role x", {}, 2, "'x' is none of", id="work, no such role"),
        pytest.param("work --loud", {}, 2, "No such option", id="work, no such option"),
        pytest.param(
            "work",
            {"DATABASE_URL": "postgresql://nobody:canary-of-the-store@127.0.0.1:1/x"},
            None,
            "127.0.0.1",
            id="work, nobody there",
        ),
    ],
)
def test_a_start_that_fails_says_so_in_an_object(
    tmp_path: Path, arguments: str, settings: dict[str, str], status: int | None, words: str
) -> None:
    case = Logging(tmp_path)
    process = case.begin(*arguments.split(), **settings)
    try:
        case.until(lambda: case.log.read_text().endswith("\n") and case.says(words), 60)
        assert status is None or process.wait(STOP_MAX_S) == status
    finally:
        process.kill()
        process.wait()
    assert all(line.keys() >= KEPT for line in case.lines())
    assert "canary-of" not in case.log.read_text()


STRAY = """
import logging, threading, warnings
from api.logs import log_to_stderr
from api.settings import Settings

class Broken:
    def __del__(self):
        raise ValueError("in the end")

def fail():
    raise ValueError("in a thread")

log_to_stderr(Settings.from_environment({"LOG_FORMAT": "json"}))
warnings.warn("about to change")
thread = threading.Thread(target=fail, name="aside")
thread.start()
thread.join()
Broken()
logging.getLogger("others").error("%d of them", "none")
raise ValueError("of canary@example.org")
"""


def test_what_nobody_caught_is_an_object_too() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STRAY], capture_output=True, text=True, check=False
    )
    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(line["logger"], line["level"]) for line in told] == [
        ("py.warnings", "WARNING"),
        ("cyclebook", "CRITICAL"),
        ("cyclebook", "ERROR"),
        ("others", "ERROR"),
        ("cyclebook", "CRITICAL"),
    ]
    said = [line.get("exception", line["message"]).splitlines()[-1] for line in told[1:]]
    assert said == [
        "ValueError: in a thread",
        "ValueError: in the end",
        "%d of them ('none',)",
        "ValueError: of …@…",
    ]
    assert done.returncode == 1
