"""What goes wrong meanwhile: processes are killed, the database dies, Stripe fails."""

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.soak.stage import Stage

PAUSE_S = 4.0
LOOK_EVERY_S = 0.1
FAULTS = (
    {"fault": "error_before", "method": "*", "times": 10},
    {"fault": "lost_response", "times": 3},
    {"fault": "error_after", "times": 3},
    {"fault": "rate_limit", "method": "*", "times": 10},
    {"fault": "hang", "seconds": 2, "times": 2},
    {"fault": "cut", "times": 2},
)


class Troubles:
    """One after the other, in an order by chance. told: how often each happened."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self._stage = stage
        self._chance = random.Random(seed)
        self.told: dict[str, int] = {}

    def go_on(self, seconds: float) -> None:
        """Trouble for so long; dead workers are started again."""
        kinds: dict[str, Callable[[], None]] = {
            "an API process killed": lambda: self._kill("serve", leader=False),
            "the API's parent killed": lambda: self._kill("serve", leader=True),
            "a worker killed": lambda: self._kill("work", leader=True),
            "the sandbox killed": lambda: self._kill("sandbox", leader=True),
            "PostgreSQL killed": self._kill_database,
            "Stripe failing": lambda: self._stage.spoil(**self._chance.choice(FAULTS)),
        }
        waiting: list[str] = []
        until, next_at = time.monotonic() + seconds, 0.0
        while time.monotonic() < until:
            self._stage.look_after()
            if time.monotonic() >= next_at:
                waiting = waiting or self._chance.sample(list(kinds), len(kinds))
                kind = waiting.pop()
                kinds[kind]()
                self.told[kind] = self.told.get(kind, 0) + 1
                next_at = time.monotonic() + PAUSE_S
            time.sleep(LOOK_EVERY_S)

    def _kill(self, command: str, *, leader: bool) -> None:
        spared = self._stage.is_spared
        found = [
            pid for pid, line in self._stage.processes().items() if line.rstrip().endswith(command)
        ]
        found = [pid for pid in found if not any(map(spared, (pid, _parent(pid))))]
        same = [pid for pid in found if (_parent(pid) not in found) == leader]
        if same:
            with suppress(ProcessLookupError):
                os.kill(self._chance.choice(same), signal.SIGKILL)

    def _kill_database(self) -> None:
        for pid, line in self._stage.processes().items():
            if "/postgres -D" in line:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def _parent(pid: int) -> int:
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0
