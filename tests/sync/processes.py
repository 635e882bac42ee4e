"""Processes of their own: a sandbox over HTTP, and workers that are forked for one piece of work.

Workers are forked from a process that has imported everything and has no threads, so that each
begins afresh and at once.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from adapters.sandbox.server import SandboxServer
from tests.sync.account import Account
from tests.sync.distant import Distant, SharedClock
from tests.sync.scenes import SCENES

KILLED = -9


@dataclass(frozen=True, kw_only=True)
class Job:
    """A piece of work for a worker. ends_at: the step at which it is killed."""

    database: str
    stripe: str
    clock: str
    now: str
    scene: str
    account: str
    seed: int
    about: str
    ends_at: int | None = None


@dataclass(frozen=True, kw_only=True)
class End:
    """How a worker ended. code: of its exit, below zero for a signal. steps: where it went
    through, if it lived. error: what it met, or empty.
    """

    code: int
    steps: tuple[str, ...] = ()
    error: str = ""

    @property
    def killed(self) -> bool:
        return self.code == KILLED


class Workers:
    """Has work done by processes forked for it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def do(self, *jobs: Job) -> list[End]:
        """Do all of it at once, each in a process of its own."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps([asdict(job) for job in jobs]) + "\n")
        self._process.stdin.flush()
        told = json.loads(self._process.stdout.readline())
        return [End(**each | {"steps": tuple(each["steps"])}) for each in told]


@contextmanager
def workers() -> Iterator[Workers]:
    """Someone to fork workers."""
    with _running("work") as process:
        yield Workers(process)


@contextmanager
def served(home: Path, clock: Path) -> Iterator[str]:
    """The address of a sandbox that goes by a shared clock."""
    with _running("serve", str(home), str(clock)) as process:
        assert process.stdout
        yield process.stdout.readline().strip()


@contextmanager
def _running(*arguments: str) -> "Iterator[subprocess.Popen[str]]":
    command = [sys.executable, "-m", "tests.sync.processes", *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _serve(home: str, clock: str) -> None:
    server = SandboxServer("127.0.0.1", 0, Path(home))
    server.sandbox.world.clock = SharedClock(Path(clock))
    server.sandbox.world.minimum_charge = False
    print(server.url, flush=True)  # noqa: T201
    server.run()


def _fork_for_each() -> None:
    for line in sys.stdin:
        forked = [_forked(job) for job in json.loads(line)]
        print(json.dumps([_ended(*each) for each in forked]), flush=True)  # noqa: T201


def _forked(job: dict[str, Any]) -> tuple[int, int]:
    reader, writer = os.pipe()
    if pid := os.fork():
        os.close(writer)
        return pid, reader
    told = _work(Job(**job))
    with os.fdopen(writer, "w") as pipe:
        json.dump(told, pipe)
    os._exit(0)


def _work(job: Job) -> dict[str, Any]:
    """What a worker does; whatever it meets is told."""
    world = Distant(
        job.database,
        job.stripe,
        Path(job.clock),
        datetime.fromisoformat(job.now),
        ends_at=job.ends_at,
    )
    try:
        SCENES[job.scene].work(Account(world, job.account, job.seed), job.about)
    except Exception as error:  # told to whoever asked
        return {"steps": world.life.steps, "error": f"{type(error).__name__}: {error}"}
    return {"steps": world.life.steps}


def _ended(pid: int, reader: int) -> dict[str, Any]:
    with os.fdopen(reader) as pipe:
        told = pipe.read()
    _, status = os.waitpid(pid, 0)
    said: dict[str, Any] = json.loads(told) if told else {}
    return {"steps": [], **said, "code": os.waitstatus_to_exitcode(status)}


def _main(what: str, *arguments: str) -> None:
    {"serve": _serve, "work": _fork_for_each}[what](*arguments)  # type: ignore[operator]


if __name__ == "__main__":
    _main(*sys.argv[1:])
