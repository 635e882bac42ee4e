"""The embedded PostgreSQL: one server for many users, whatever happens to them."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from adapters.postgres import embedded, programs
from adapters.postgres.embedded import EmbeddedPostgres
from domain.errors import RuleViolation, StoreUnavailable

ROOT = Path(__file__).parents[2]
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts servers as somebody else")

#: A user in a process of its own: starts, says so, and stays until its standard input closes.
USER = """
import sys
from pathlib import Path
from adapters.postgres.embedded import EmbeddedPostgres
with EmbeddedPostgres(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="cyclebook-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


def another_user(home: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", USER, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def count(url: str) -> int:
    """Add a row and count the rows."""
    with psycopg.connect(url) as connection:
        connection.execute("create table if not exists note (x int)")
        connection.execute("insert into note values (1)")
        row = connection.execute("select count(*) from note").fetchone()
        assert row is not None
        return int(row[0])


def postmaster(home: Path) -> int:
    return int((home / "pgdata" / "postmaster.pid").read_text().split()[0])


def is_down(home: Path) -> bool:
    return not (home / "pgdata" / "postmaster.pid").exists()


def test_what_is_written_is_there_after_a_restart(home: Path) -> None:
    with EmbeddedPostgres(home) as url:
        assert count(url) == 1
    assert is_down(home)
    with EmbeddedPostgres(home) as url:
        assert count(url) == 2


def test_whether_there_is_one_can_be_asked_without_making_it(home: Path) -> None:
    server = EmbeddedPostgres(home)
    assert not server.is_made()
    assert not (home / "pgdata").exists()
    with server:
        assert server.is_made()
    assert EmbeddedPostgres(home).is_made()


def test_it_is_durable_and_listens_on_no_network(home: Path) -> None:
    with EmbeddedPostgres(home) as url, psycopg.connect(url) as connection:
        settings = {
            name: connection.execute("select current_setting(%s)", [name]).fetchone()
            for name in embedded.SETTINGS
        }
    assert settings == {name: (value,) for name, value in embedded.SETTINGS.items()}


def test_the_last_user_to_leave_stops_it(home: Path) -> None:
    first, second = EmbeddedPostgres(home), EmbeddedPostgres(home)
    url = first.start()
    assert second.start() == url
    first.stop()
    assert count(url) == 1
    second.stop()
    assert is_down(home)


def test_four_users_may_start_an_empty_home_at_once(home: Path) -> None:
    users = [another_user(home) for _ in range(4)]
    urls = {user.stdout.readline().strip() for user in users if user.stdout}
    assert len(urls) == 1
    assert count(urls.pop()) == 1
    for user in users:
        user.communicate()
    assert [user.returncode for user in users] == [0] * 4
    assert is_down(home)


def test_a_killed_user_leaves_a_server_that_the_next_one_joins_and_stops(home: Path) -> None:
    user = another_user(home)
    assert user.stdout
    count(user.stdout.readline().strip())
    user.kill()
    user.communicate()
    assert not is_down(home)
    with EmbeddedPostgres(home) as url:
        assert count(url) == 2
    assert is_down(home)


def test_a_killed_server_starts_again_at_once_and_has_lost_nothing(home: Path) -> None:
    crashed = EmbeddedPostgres(home)
    count(crashed.start())
    os.kill(postmaster(home), signal.SIGKILL)
    with EmbeddedPostgres(home) as url:
        assert count(url) == 2
    crashed.stop()


def test_ctrl_c_on_a_terminal_does_not_reach_the_server(home: Path) -> None:
    with EmbeddedPostgres(home):
        assert os.getsid(postmaster(home)) != os.getsid(0)


def test_a_forked_child_that_exits_stops_nothing(home: Path) -> None:
    """gunicorn's workers are forked, inherit every atexit handler and come and go."""
    script = """
import os, sys
from pathlib import Path
import psycopg
from adapters.postgres.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
server.start()
if os.fork() == 0:
    sys.exit()
os.wait()
psycopg.connect(server.url).close()
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", script, str(home)], cwd=ROOT, check=True)
    assert is_down(home)


def test_a_home_with_a_path_too_long_for_a_socket_works(home: Path) -> None:
    deep = home / ("it's long " + "x" * 90) / ("y" * 60)
    deep.mkdir(parents=True)
    with EmbeddedPostgres(deep) as url:
        assert count(url) == 1
    sockets = Path((deep / "sockets").read_text().strip())
    assert sockets.stat().st_mode & 0o077 == 0
    with EmbeddedPostgres(deep) as again:
        assert again == url
    sockets.rmdir()


def test_data_of_another_major_version_is_refused(home: Path) -> None:
    (home / "pgdata").mkdir()
    (home / "pgdata" / "PG_VERSION").write_text("12\n")
    with pytest.raises(RuleViolation, match="made by PostgreSQL 12") as refusal:
        EmbeddedPostgres(home).start()
    assert refusal.value.code == "store_version_mismatch"


def test_missing_programs_are_named(home: Path) -> None:
    with pytest.raises(StoreUnavailable, match="do not run"):
        EmbeddedPostgres(home, programs=home / "nothing").start()


def test_a_server_that_cannot_start_says_why(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with EmbeddedPostgres(home):
        pass
    with (home / "pgdata" / "postgresql.conf").open("a") as file:
        file.write("no_such_setting = 1\n")
    monkeypatch.setattr(embedded, "_ATTEMPTS_S", 1)
    with pytest.raises(StoreUnavailable, match="no_such_setting"):
        EmbeddedPostgres(home).start()


@AS_ROOT
def test_for_root_a_home_closed_to_others_stays_closed_and_works(tmp_path: Path) -> None:
    """pytest's folders are 0700, as root's own folder is."""
    home = tmp_path / "home"
    modes = [folder.stat().st_mode for folder in (tmp_path, *tmp_path.parents)]
    with EmbeddedPostgres(home) as url:
        assert count(url) == 1
    place = Path((home / "place").read_text().strip())
    try:
        assert place.parent == embedded.PLACES_FOR_ROOT
        assert [folder.stat().st_mode for folder in (tmp_path, *tmp_path.parents)] == modes
        with EmbeddedPostgres(home) as again:
            assert again == url
            assert count(again) == 2
    finally:
        shutil.rmtree(place)


@AS_ROOT
def test_for_root_programs_closed_to_others_are_copied(tmp_path: Path, home: Path) -> None:
    installed = programs.installed_programs()
    package = installed.parent.parent
    site = tmp_path / "site-packages"
    for folder in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(folder, site / folder.name, ignore=shutil.ignore_patterns("pginstall"))
    with EmbeddedPostgres(home, programs=site / installed.relative_to(package.parent)) as url:
        assert count(url) == 1
        executable = Path(f"/proc/{postmaster(home)}/exe").resolve()
        assert executable.is_relative_to(home)


@AS_ROOT
def test_for_root_the_server_runs_as_somebody_else(home: Path) -> None:
    with EmbeddedPostgres(home):
        owner = (home / "pgdata").stat()
        assert owner.st_uid == pwd.getpwnam("nobody").pw_uid
        assert owner.st_mode & 0o077 == 0


def test_stopping_does_not_take_long(home: Path) -> None:
    server = EmbeddedPostgres(home)
    server.start()
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 5
