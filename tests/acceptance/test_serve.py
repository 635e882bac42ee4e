"""``cyclebook serve`` on its own: an embedded database that dies comes back under it."""

import os
import signal
from pathlib import Path

from tests.acceptance.running import Running


class Serving(Running):
    """One ``cyclebook serve`` over a folder."""

    @staticmethod
    def _command(*arguments: str) -> list[str]:
        return Running._command(*("serve" if each == "up" else each for each in arguments))


def test_serving_outlives_its_database(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    running = Serving(tmp_path)
    running.start()
    try:
        key = running.cli("keys", "create", "--role", "admin").split()[-1]
        assert running.call("GET", "/v1/organizations", key=key)[0] == 200
        (server,) = [pid for pid, line in running.processes().items() if "/postgres -D" in line]
        os.kill(server, signal.SIGKILL)
        running.until(lambda: running.call("GET", "/v1/organizations", key=key)[0] == 200, 30)
    finally:
        assert running.stop() == 0
    assert not running.processes()
