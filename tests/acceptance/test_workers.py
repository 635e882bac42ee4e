"""Two workers as one runs them: schedules go on when one is killed, and none runs twice at once."""

import os
import signal
import subprocess
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.running import Running

pytestmark = pytest.mark.timeout(240)


def listed(case: Running, path: str, key: str) -> list[dict[str, Any]]:
    """What a list holds."""
    status, answer = case.call("GET", path, key=key)
    rows: list[dict[str, Any]] = answer["data"] if status == 200 else []
    return rows


def test_schedules_go_on_when_a_worker_is_killed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    case = Running(tmp_path)
    case.start()
    with (tmp_path / "second.log").open("wb") as log:
        second = subprocess.Popen(
            case._command("work", "--role", "schedule,sync"),
            env=case.environment,
            stdout=log,
            stderr=log,
        )
    try:
        key = case.cli("keys", "create", "--role", "admin").split()[-1]

        def working() -> dict[int, str]:
            rows = listed(case, "/v1/workers", key)
            return {row["pid"]: row["worker"] for row in rows if row["state"] == "working"}

        def well() -> bool:
            rows = listed(case, "/v1/schedules", key)
            return bool(rows) and all(row["well"] for row in rows)

        case.until(lambda: len(working()) == 2 and well(), 60)
        before = working()
        (first,) = before.keys() - {second.pid}
        os.kill(first, signal.SIGKILL)
        assert case.call("POST", "/v1/schedules/answers/run", {}, key)[0] == 202
        case.until(lambda: asked_for(case, key) == ["done"], 60)
        case.until(lambda: len(working().keys() - before.keys()) == 1, 60)  # begun again
        second.send_signal(signal.SIGTERM)
        assert second.wait(20) == 0
        assert before[second.pid] not in working().values()
        rows = listed(case, "/v1/workers?stopped=true", key)
        assert {row["worker"]: row["state"] for row in rows}[before[second.pid]] == "stopped"
        for schedule in listed(case, "/v1/schedules", key):
            runs = listed(case, f"/v1/schedules/{schedule['schedule']}/runs", key)
            for later, earlier in pairwise(runs):
                assert instant(earlier["ended_at"]) <= instant(later["started_at"])
    finally:
        second.kill()
        second.wait()
        assert case.stop() == 0


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def asked_for(case: Running, key: str) -> list[str]:
    """What became of the runs of ``answers`` that a person asked for."""
    runs = listed(case, "/v1/schedules/answers/runs", key)
    return [each["outcome"] for each in runs if each["asked_by"] != "schedule"]
