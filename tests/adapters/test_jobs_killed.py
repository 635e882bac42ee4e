"""Two processes make runs of one schedule, and one of them is killed."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.scheduled import Desk, desk, wait_until

ROOT = Path(__file__).parents[2]


@pytest.fixture
def made(each_database_url: str) -> Iterator[Desk]:
    with desk(each_database_url) as found:
        yield found


def outcomes(made: Desk) -> list[str]:
    return [each.outcome for each in made.log()]


def test_a_killed_worker_loses_no_run_and_none_runs_twice_at_once(
    made: Desk, tmp_path: Path
) -> None:
    """Two processes work on one schedule; the one that is at it is killed."""
    go = tmp_path / "go"
    with psycopg.connect(made.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE trail (n serial, what text, pid int)")

        def trail() -> list[tuple[str, int]]:
            rows = connection.execute("SELECT what, pid FROM trail WHERE what <> 'up' ORDER BY n")
            return [(str(what), int(str(pid))) for what, pid in rows]

        def up() -> int:
            rows = connection.execute("SELECT FROM trail WHERE what = 'up'")
            return rows.rowcount

        command = [sys.executable, "-m", "tests.scheduled_process", made.url, str(go)]
        workers = [subprocess.Popen(command, cwd=ROOT) for _ in range(2)]
        try:
            wait_until(lambda: up() == 2, 60)
            made.jobs.ask("audit", "ada")
            wait_until(lambda: len(trail()) == 1)
            ((_, pid),) = trail()
            (killed,) = [each for each in workers if each.pid == pid]
            (other,) = [each for each in workers if each.pid != pid]
            killed.send_signal(signal.SIGKILL)
            killed.wait()
            wait_until(lambda: len(trail()) == 2, 60)
            go.touch()
            wait_until(lambda: outcomes(made) == ["lost", "done"])
            assert trail() == [("begin", pid), ("begin", other.pid), ("end", other.pid)]
            assert [(each.attempt, each.asked_by) for each in made.log()] == [
                (1, "ada"),
                (2, "ada"),
            ]
        finally:
            for each in workers:
                each.kill()
                each.wait()
            connection.execute("DROP TABLE trail")
