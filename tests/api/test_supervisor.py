"""Running several processes as one: in order, kept alive, ended together."""

import io
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from api.supervisor import Child, Supervisor, answers, exists

ROOT = Path(__file__).parents[2]

#: A child that notes its start and its end in a file, and stops at SIGTERM.
NOTES = """
import os, signal, sys, time
def note(what):
    with open(sys.argv[2], "a") as file:
        file.write(f"{what} {sys.argv[1]} {os.getpid()}\\n")
def stop(number, frame):
    note("end")
    sys.exit()
signal.signal(signal.SIGTERM, stop)
note("start")
print("hello", flush=True)
time.sleep(60)
"""

#: A supervisor in a process of its own, over two such children.
SUPERVISED = """
import sys
from api.supervisor import Child, Supervisor
children = [
    Child(name=name, argv=[sys.executable, "-c", sys.argv[1], name, sys.argv[2]]) for name in "ab"
]
sys.exit(Supervisor(children).run(on_ready=lambda: print("ready", flush=True)))
"""


def eventually(happened: Callable[[], bool], within_s: float = 5) -> bool:
    until = time.monotonic() + within_s
    while not happened():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def notes(file: Path, what: str) -> list[str]:
    lines = file.read_text().splitlines() if file.exists() else []
    return [line.split()[1] for line in lines if line.split()[0] == what]


def pids(file: Path) -> list[int]:
    return [int(line.split()[2]) for line in file.read_text().splitlines() if "start" in line]


def lives(pid: int) -> bool:
    """Whether it runs; one that has ended and was not yet collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def python(name: str, script: str, *arguments: object, **more: object) -> Child:
    argv = [sys.executable, "-c", script, *map(str, arguments)]
    return Child(name=name, argv=argv, **more)  # type: ignore[arg-type]


def noting(name: str, file: Path) -> Child:
    return python(name, NOTES, name, file, ready=lambda: name in notes(file, "start"))


def told_to_stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "notes"


@pytest.fixture
def supervised(file: Path) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISED, NOTES, str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    )
    with process:
        assert eventually(lambda: len(notes(file, "start")) == 2)
        yield process
        process.kill()


def test_children_start_in_order_and_stop_in_reverse(file: Path) -> None:
    supervisor = Supervisor([noting(name, file) for name in "abc"], output=io.BytesIO())
    assert supervisor.run(on_ready=told_to_stop) == 0
    assert notes(file, "start") == ["a", "b", "c"]
    assert notes(file, "end") == ["c", "b", "a"]


def test_lines_carry_the_childs_name(file: Path) -> None:
    output = io.BytesIO()
    Supervisor([noting("api", file), noting("worker", file)], output=output).run(told_to_stop)
    assert sorted(output.getvalue().decode().splitlines()) == ["api    | hello", "worker | hello"]


def test_a_child_that_dies_is_started_again_ever_more_slowly(tmp_path: Path) -> None:
    lasting = tmp_path / "third"
    script = """
import pathlib, sys, time
file = pathlib.Path(sys.argv[1])
file.write_text(file.read_text() + "x" if file.exists() else "x")
if len(file.read_text()) < 3: sys.exit(7)
time.sleep(60)
"""

    def until_third_start() -> None:
        threading.Thread(
            target=lambda: (
                eventually(lambda: lasting.exists() and len(lasting.read_text()) == 3)
                and told_to_stop()
            )
        ).start()

    output = io.BytesIO()
    assert Supervisor([python("a", script, lasting)], output=output).run(until_third_start) == 0
    assert output.getvalue().decode().splitlines() == [
        "a | a ended with status 7; starting again in 0.5 s",
        "a | a ended with status 7; starting again in 1 s",
    ]


def test_one_that_runs_once_is_not_started_again(tmp_path: Path) -> None:
    done = tmp_path / "done"
    script = "import sys; open(sys.argv[1], 'a').write('x')"
    once = python("demo", script, done, ready=exists(done), once=True)
    output = io.BytesIO()

    def a_second_later() -> None:
        threading.Timer(1, told_to_stop).start()

    assert Supervisor([once], output=output).run(a_second_later) == 0
    assert done.read_text() == "x"
    assert output.getvalue().decode() == "demo | demo ended with status 0\n"


def test_one_that_dies_before_it_is_ready_ends_the_start(file: Path) -> None:
    output = io.BytesIO()
    children = [noting("a", file), python("b", "raise SystemExit(3)", ready=lambda: False)]
    assert Supervisor(children, output=output).run() == 1
    assert "b | b ended with status 3 before it was ready" in output.getvalue().decode()
    assert notes(file, "end") == ["a"]


def test_one_that_is_not_ready_in_time_ends_the_start() -> None:
    output = io.BytesIO()
    slow = python("a", "import time; time.sleep(9)", ready=lambda: False, ready_within_s=0.3)
    assert Supervisor([slow], output=output).run() == 1
    assert "a was not ready within 0.3 s" in output.getvalue().decode()


def test_one_that_does_not_stop_is_killed_with_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.supervisor._STOP_MAX_S", 0.3)
    grandchild = tmp_path / "pid"
    script = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    with open(sys.argv[1] + ".new", "w") as file: file.write(str(os.getpid()))
    os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(60)
"""
    output = io.BytesIO()
    stubborn = python("a", script, grandchild, ready=exists(grandchild))
    assert Supervisor([stubborn], output=output).run(told_to_stop) == 0
    assert output.getvalue().decode() == "a | a did not stop in time; killed\n"
    assert eventually(lambda: not lives(int(grandchild.read_text())))


def test_an_address_is_ready_once_it_answers_with_success() -> None:
    status = 503
    server = make_server("127.0.0.1", 0, lambda e, s: Response(status=status)(e, s))
    ready = answers(f"http://127.0.0.1:{server.port}/")
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        assert not ready()
        status = 200
        assert ready()
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
    assert not ready()


def test_ctrl_c_on_the_terminal_is_handled_once(
    supervised: "subprocess.Popen[str]", file: Path
) -> None:
    os.killpg(supervised.pid, signal.SIGINT)  # what a terminal does
    assert supervised.wait(10) == 0
    assert notes(file, "end") == ["b", "a"]


def test_no_child_outlives_a_killed_supervisor(
    supervised: "subprocess.Popen[str]", file: Path
) -> None:
    children = pids(file)
    assert all(map(lives, children))
    supervised.kill()
    assert eventually(lambda: not any(map(lives, children)), within_s=3)
    assert re.fullmatch("ab|ba", "".join(notes(file, "end")))
