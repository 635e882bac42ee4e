"""The numbers of an API of several processes, read from whichever answers."""

import os
import re
import signal
import urllib.request
from pathlib import Path

from tests.acceptance.running import Running
from tests.acceptance.test_serve import Serving

CALLS = 30


def answered(running: Running) -> float:
    """How many calls of ``/healthz`` were answered, by all processes."""
    with urllib.request.urlopen(f"{running.base}/metrics") as answer:
        text = answer.read().decode()
    counts = re.findall(
        r'cyclebook_request_duration_seconds_count\{.*route="/healthz".*\} (\S+)', text
    )
    return sum(map(float, counts))


def test_all_processes_are_read_as_one_and_one_that_dies_is_not_forgotten(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    running = Serving(tmp_path)
    running.start()
    try:
        for _ in range(CALLS):
            assert running.call("GET", "/healthz")[0] == 200
        assert answered(running) == CALLS
        serving = [pid for pid, line in running.processes().items() if " serve" in line]
        assert running.process is not None
        os.kill(next(each for each in serving if each != running.process.pid), signal.SIGKILL)
        running.until(lambda: running.call("GET", "/healthz")[0] == 200, 30)
        assert answered(running) >= CALLS + 1
    finally:
        assert running.stop() == 0
    assert not running.processes()
