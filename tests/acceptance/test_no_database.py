"""Started with a database that cannot be had: it says why, and waits only where that can help."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.acceptance.running import free_port
from tests.databases import with_database

MAIN = "from api.cli.main import main; main()"


def environment(home: Path, url: str) -> Mapping[str, str]:
    """What a process is told."""
    ports = {"PORT": str(free_port()), "SANDBOX_PORT": str(free_port())}
    return {**os.environ, **ports, "CYCLEBOOK_HOME": str(home), "DATABASE_URL": url}


def started(command: str, home: Path, url: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", MAIN, command],
        env=environment(home, url),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize("command", ["work", "serve", "up", "workers", "migrate"])
def test_what_waiting_cannot_mend_ends_it_with_a_sentence(
    embedded_server: str, tmp_path: Path, command: str
) -> None:
    process = started(command, tmp_path, with_database(embedded_server, "nothing"))
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1, said
    assert 'answers: database "nothing" does not exist; make that database' in said
    assert "Traceback" not in said


def test_a_command_does_not_wait_for_a_database(tmp_path: Path) -> None:
    process = started("workers", tmp_path, "postgresql://ada:hunter2@127.0.0.1:1/x")
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1, said
    assert "PostgreSQL at 127.0.0.1:1 does not answer: Connection refused; see that it runs" in said
    assert not any(word in said for word in ("waiting", "hunter2", "Traceback"))


@pytest.mark.parametrize("command", ["work", "serve"])
def test_a_process_waits_says_why_and_can_be_stopped(tmp_path: Path, command: str) -> None:
    process = started(command, tmp_path, "postgresql://ada:hunter2@127.0.0.1:1/x")
    assert process.stdout is not None
    line = process.stdout.readline()
    assert "PostgreSQL at 127.0.0.1:1 does not answer: Connection refused" in line
    assert "waiting, 0 s so far" in line and "hunter2" not in line
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode not in (0, None)


@pytest.mark.parametrize("command", [["verify"], ["workers"], ["keys", "list"], ["mails"]])
def test_a_command_makes_no_database_in_a_folder_that_has_none(
    tmp_path: Path, command: list[str]
) -> None:
    """An empty one would say that all is well, where only the folder's name is wrong."""
    home = tmp_path / "mistyped"
    status, said = alone(home, *command)
    assert status == 2, said
    assert f"there is no database in {home}: name its folder in CYCLEBOOK_HOME, or its" in said
    assert "DATABASE_URL" in said and "cyclebook migrate" in said
    assert not home.exists()


def test_migrate_makes_it_and_other_commands_work_then(tmp_path: Path) -> None:
    tmp_path.chmod(0o711)
    home = tmp_path / "new"
    assert alone(home, "migrate")[0] == 0
    assert alone(home, "verify")[0] == 0


def alone(home: Path, *command: str) -> tuple[int, str]:
    """A command without ``DATABASE_URL``; its status, and what it said."""
    told = {name: value for name, value in environment(home, "").items() if name != "DATABASE_URL"}
    done = subprocess.run(
        [sys.executable, "-c", MAIN, *command],
        env=told,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr
