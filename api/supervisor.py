"""Runs several processes as one: starts them in order, keeps them running, stops them together.

Each child has a process group of its own, so that Ctrl-C reaches the supervisor alone and is
handled once. Should the supervisor be killed, its children are told to stop (``api/watchdog.py``).
"""

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

from api.watchdog import guarded

_LOOK_EVERY_S = 0.05
_BACKOFF_S, _BACKOFF_MAX_S = 0.5, 10.0
_STEADY_S = 30.0  # after running this long, a child's next restart is quick again
_STOP_MAX_S = 10.0
_ANSWER_MAX_S = 2.0
_LAST_LINES_MAX_S = 1.0

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def answers(url: str) -> Callable[[], bool]:
    """Ready once a GET of this address is answered with success."""
    # Children are on this machine: never through a proxy.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ready() -> bool:
        try:
            with opener.open(url, timeout=_ANSWER_MAX_S) as answer:
                return bool(answer.status < 400)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    return ready


def exists(file: Path) -> Callable[[], bool]:
    """Ready once this file is there."""
    return file.exists


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A process to run.

    ``ready`` says when the next one may start. One that runs ``once`` is not started again when
    it has ended.
    """

    name: str
    argv: Sequence[str]
    ready: Callable[[], bool] | None = None
    ready_within_s: float = 60.0
    once: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Running:
    """A child's present process, or when it is to start again."""

    child: Child
    process: "subprocess.Popen[bytes]"
    reader: threading.Thread
    started_at: float
    backoff_s: float = _BACKOFF_S
    again_at: float | None = None

    @property
    def name(self) -> str:
        return self.child.name

    def runs(self) -> bool:
        """Whether it still does; if not, what it started and left behind is ended too."""
        if self.process.returncode is None and self.process.poll() is not None:
            _kill_group(self.process)
        return self.process.returncode is None


class Supervisor:
    """Runs its children until it is told to stop.

    written: how a line of a child, or about it, is written; by default after the child's name.
    """

    def __init__(
        self,
        children: Sequence[Child],
        *,
        output: IO[bytes] | None = None,
        written: Callable[[str, str], str] | None = None,
    ) -> None:
        self._children = tuple(children)
        self._output = output or sys.stderr.buffer
        self._output_lock = threading.Lock()
        self._running: list[_Running] = []
        self._width = max((len(child.name) for child in children), default=0)
        self._written = written or self._named
        # A number, not a threading.Event: its lock may be held where a signal interrupts us.
        self._signals = 0

    def run(self, on_ready: Callable[[], None] | None = None) -> int:
        """Start all, call ``on_ready``, keep them running, stop them at a signal.

        Returns:
            The exit status: 0 when told to stop, 1 when a child did not get ready.
        """
        with self._signals_caught():
            try:
                if all(self._start_and_await(child) for child in self._children):
                    if on_ready is not None and not self._signals:
                        on_ready()
                    while not self._signals:
                        self._look_after(list(self._running))
                        time.sleep(_LOOK_EVERY_S)
                return 0 if self._signals else 1
            finally:
                self._stop_all()

    def _start_and_await(self, child: Child) -> bool:
        """Whether it is ready; false as well when we are told to stop meanwhile."""
        process, reader = self._spawn(child)
        running = _Running(child, process, reader, time.monotonic())
        earlier = list(self._running)
        self._running.append(running)
        until = time.monotonic() + child.ready_within_s
        while child.ready is not None and not child.ready():
            if self._signals:
                return False
            if not running.runs() and not (child.once and running.process.returncode == 0):
                self._say(child.name, f"ended with {_ending(running.process)} before it was ready")
                return False
            if time.monotonic() > until:
                self._say(child.name, f"was not ready within {child.ready_within_s:g} s")
                return False
            self._look_after(earlier)
            time.sleep(_LOOK_EVERY_S)
        return not self._signals

    def _spawn(self, child: Child) -> "tuple[subprocess.Popen[bytes], threading.Thread]":
        process = subprocess.Popen(
            guarded(child.argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **child.environment},
            process_group=0,
        )
        reader = threading.Thread(
            target=self._pass_on, args=(child.name, process.stdout), daemon=True
        )
        reader.start()
        return process, reader

    def _look_after(self, children: Sequence[_Running]) -> None:
        now = time.monotonic()
        for running in children:
            if running.again_at is not None:
                if now >= running.again_at:
                    running.process, running.reader = self._spawn(running.child)
                    running.started_at, running.again_at = now, None
            elif not running.runs():
                self._note_death(running, now)

    def _note_death(self, running: _Running, now: float) -> None:
        if running.child.once:
            self._running.remove(running)
            self._say(running.name, f"ended with {_ending(running.process)}")
            return
        if now - running.started_at >= _STEADY_S:
            running.backoff_s = _BACKOFF_S
        self._say(
            running.name,
            f"ended with {_ending(running.process)}; starting again in {running.backoff_s:g} s",
        )
        running.again_at = now + running.backoff_s
        running.backoff_s = min(running.backoff_s * 2, _BACKOFF_MAX_S)

    def _stop_all(self) -> None:
        """In reverse order, so that what others need ends last. A second signal ends it at once."""
        already = self._signals
        for running in reversed(self._running):
            if running.runs():
                running.process.terminate()
            until = time.monotonic() + _STOP_MAX_S
            while running.runs() and time.monotonic() < until and self._signals <= max(already, 1):
                time.sleep(_LOOK_EVERY_S)
            if running.runs():
                self._say(running.name, "did not stop in time; killed")
                _kill_group(running.process)
            running.reader.join(_LAST_LINES_MAX_S)

    def _pass_on(self, name: str, lines: IO[bytes]) -> None:
        with lines:
            for line in lines:
                self._write(name, line.decode(errors="replace").rstrip("\n"))

    def _say(self, name: str, what: str) -> None:
        self._write(name, f"{name} {what}")

    def _write(self, name: str, line: str) -> None:
        with self._output_lock:
            self._output.write(self._written(name, line).encode(errors="replace") + b"\n")
            self._output.flush()

    def _named(self, name: str, line: str) -> str:
        return f"{name:{self._width}} | {line}"

    @contextmanager
    def _signals_caught(self) -> Iterator[None]:
        caught = [
            each
            for each in _STOP_SIGNALS
            # nohup's wish: to outlive the terminal
            if each != signal.SIGHUP or signal.getsignal(each) != signal.SIG_IGN
        ]
        before = {each: signal.signal(each, self._count_signal) for each in caught}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def _count_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    """End a child and whatever it started and left behind."""
    with suppress(ProcessLookupError):  # all of it has ended
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _ending(process: "subprocess.Popen[bytes]") -> str:
    code = process.returncode
    return signal.Signals(-code).name if code < 0 else f"status {code}"
