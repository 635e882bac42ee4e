"""The client in processes that fork, end without closing it, or end badly."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.running import free_port
from tests.clients.conftest import Books

ROOT = Path(__file__).parents[2]
HEAD = """
import multiprocessing, os, sys
from cyclebook_client import Client, Options
options = Options(age_s=60, pause_s=0.01, close_within_s=float(sys.argv[3]))
usage = Client(sys.argv[1], sys.argv[2], options)

def record(count):
    for _ in range(count):
        usage.record("cpu", 1, organization="acme", attachment="a1")
"""


def run(script: str, url: str, key: str, *, close_within_s: float = 10) -> tuple[int, str]:
    """A program of its own; how it ended, and what it said."""
    done = subprocess.run(
        [sys.executable, "-c", HEAD + script, url, key, str(close_within_s)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "clients" / "python")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("record(5)", id="the end of the program"),
        pytest.param("record(5); sys.exit()", id="an exit"),
        pytest.param("record(5); usage.close(); usage.close()", id="closed twice"),
    ],
)
def test_a_program_that_ends_sends_what_it_holds(
    service: str, key: str, books: Books, script: str
) -> None:
    assert run(script, service, key) == (0, "")
    assert books.quantity() == "5"


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(
            "record(3)\nif child := os.fork(): os.waitpid(child, 0); record(1)\nelse: record(2)\n",
            id="a fork; both end",
        ),
        pytest.param(
            "record(3)\n"
            "child = os.fork()\n"
            "if not child: record(2); usage.close(); os._exit(0)\n"
            "os.waitpid(child, 0); record(1)\n",
            id="a fork that closes",
        ),
        pytest.param(
            "record(3)\n"
            "child = multiprocessing.get_context('fork').Process(target=record, args=(2,))\n"
            "child.start(); child.join(); record(1)\n",
            id="multiprocessing",
        ),
    ],
)
def test_a_forked_process_sends_its_own_records_and_not_its_parents(
    service: str, key: str, books: Books, script: str
) -> None:
    assert run(script, service, key) == (0, "")
    assert books.quantity() == "6"


def test_a_fork_while_threads_record_loses_nothing(service: str, key: str, books: Books) -> None:
    script = """
import threading
threads = [threading.Thread(target=record, args=(300,)) for _ in range(3)]
for each in threads: each.start()
children = []
for _ in range(5):
    child = os.fork()
    if not child:
        record(10)
        usage.close()
        os._exit(0)
    children.append(child)
for child in children: assert os.waitpid(child, 0)[1] == 0
for each in threads: each.join()
"""
    assert run(script, service, key) == (0, "")
    assert books.quantity() == "950"


def test_what_cannot_be_sent_at_the_end_of_a_program_is_said() -> None:
    _, said = run("record(5)", f"http://127.0.0.1:{free_port()}", "ck_x", close_within_s=0.1)
    assert "Unsent: 5 usage records were not sent" in said
