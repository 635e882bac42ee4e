"""A PostgreSQL of our own: started by its first user, stopped by its last.

Any number of processes may start the same home; they share one server. It is counted by file
locks, which the kernel drops when a process dies, however it dies. The server listens on a
Unix socket in a folder of its own account, never on the network.

Started by root, the server runs as ``nobody``. If ``nobody`` cannot enter the home (it lies in
root's own folder, say), the data is placed in ``/var/lib/cyclebook`` instead, and the file
``place`` in the home remembers where.
"""

import atexit
import fcntl
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psycopg

from adapters.postgres.programs import (
    Account,
    installed_programs,
    reachable_programs,
    version,
)
from domain.errors import RuleViolation, StoreUnavailable

USER = DATABASE = "cyclebook"

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "256MB",
    "max_connections": "100",
    "max_wal_size": "4GB",
}

#: Where root keeps data whose home the server's account cannot enter.
PLACES_FOR_ROOT = Path("/var/lib/cyclebook")

_ATTEMPTS_S = 20  # a killed postmaster's children hold its memory for a second or two
_RECOVERY_S = 600  # 4 GB of log to replay after a power cut, on a slow disk
_SOCKET_FOLDER_MAX = 80  # bytes; with the socket's name a path holds 104 on macOS, 108 on Linux
_LOG_MAX = 10_000_000  # bytes


class EmbeddedPostgres:
    """One user of the server that lives in ``home``.

    As a context manager it starts and stops. ``stop`` also runs when Python exits, but not on
    SIGTERM or kill -9: then the server stays, and the next user to leave stops it.
    """

    def __init__(self, home: Path, *, programs: Path | None = None) -> None:
        self.home = home.absolute()
        self._installed = programs
        self._account = Account.for_servers(self.home / "pgdata")
        self._users: IO[bytes] | None = None
        self._process = os.getpid()

    def __enter__(self) -> str:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> str:
        """Start the server, or join it, and return the URL of its database.

        Raises:
            StoreUnavailable: its programs are missing, or it does not start.
            RuleViolation: the data was made by another major version of PostgreSQL.
        """
        if self._users is None:
            try:
                self._users = self._join()
            except PermissionError as error:
                raise StoreUnavailable(
                    f"{error.filename} belongs to another user of this machine; "
                    "give CYCLEBOOK_HOME a folder of your own"
                ) from error
            self._process = os.getpid()
            atexit.register(self.stop)
        return self.url

    def is_made(self) -> bool:
        """Whether there is data in the home, of a server that runs or not; makes nothing."""
        note = self.home / "place"
        with suppress(PermissionError):  # somebody else's: starting says so
            elsewhere = [Path(note.read_text("utf-8").strip())] if note.exists() else []
            return any((place / "pgdata").exists() for place in [self.home, *elsewhere])
        return True

    def _join(self) -> IO[bytes]:
        """Be counted as a user, and see that the server runs."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.place = self._find_place()
        self.data = self.place / "pgdata"
        with _locked(self.place / "start.lock"):
            self._programs = reachable_programs(
                self._account, self._installed or installed_programs(), self.place
            )
            users = (self.place / "users.lock").open("ab")
            try:
                fcntl.flock(users, fcntl.LOCK_SH)
                self._prepare_data()
                self._await_server()
                self._create_database()
            except BaseException:
                users.close()
                raise
        return users

    def stop(self) -> None:
        """Leave; the last user to leave stops the server and waits for it.

        Raises:
            StoreUnavailable: the server does not stop.
        """
        users = self._users
        # A forked child inherits us, atexit handlers included, but is not the user that started.
        if users is None or self._process != os.getpid():
            return
        self._users = None
        atexit.unregister(self.stop)
        with users, _locked(self.place / "start.lock"):
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return  # there are other users
            refusal = self._control("stop", "--mode=fast", "--timeout=60")
            if refusal and not self._control("status"):
                raise StoreUnavailable(f"PostgreSQL does not stop. {refusal}")

    def is_there(self) -> bool:
        """Whether somebody listens; cheap, where asking ``pg_isready`` starts a process."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self._sockets / ".s.PGSQL.5432")) == 0

    def revive(self) -> None:
        """Start the server again if it is gone."""
        with _locked(self.place / "start.lock"):
            self._await_server()

    @property
    def url(self) -> str:
        """Where clients connect."""
        return self._url_of(DATABASE)

    def _url_of(self, database: str) -> str:
        return f"postgresql://{USER}@/{database}?host={quote(str(self._sockets), safe='')}"

    def _find_place(self) -> Path:
        """The folder that holds data, locks and programs: the home, if the server can enter it."""
        if self._account.reaches(self.home):
            return self.home
        note = self.home / "place"
        with _locked(self.home / "place.lock"):
            if note.exists() and (known := Path(note.read_text("utf-8").strip())).is_dir():
                return known
            PLACES_FOR_ROOT.mkdir(parents=True, exist_ok=True)
            # Random, not made from the home's name: a home removed and made again is empty.
            place = Path(tempfile.mkdtemp(prefix="", dir=PLACES_FOR_ROOT))
            for folder in (PLACES_FOR_ROOT, place):
                folder.chmod(0o711)
            note.write_text(f"{place}\n", "utf-8")
            return place

    def _prepare_data(self) -> None:
        """Make the data folder, whole or not at all, or check that these programs may open it."""
        ours = version(self._account, self._programs).split(".")[0]
        if (self.data / "PG_VERSION").exists():
            theirs = (self.data / "PG_VERSION").read_text("ascii").strip()
            if theirs != ours:
                raise RuleViolation(
                    f"the data in {self.data} was made by PostgreSQL {theirs} and the programs are "
                    f"PostgreSQL {ours}; dump it with the old and restore it with the new",
                    code="store_version_mismatch",
                )
        else:
            self._initialize()
        self._sockets = self._socket_folder()

    def _initialize(self) -> None:
        unfinished = self.place / "pgdata.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        self._account.own(unfinished)
        answer = self._account.run(
            self._programs / "initdb",
            f"--pgdata={unfinished}",
            f"--username={USER}",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-instructions",
        )
        if answer.returncode != 0:
            raise StoreUnavailable(f"initdb failed: {answer.stderr.strip()}")
        unfinished.rename(self.data)

    def _socket_folder(self) -> Path:
        """The data folder, or a short private one if the path is too long for a socket."""
        if len(os.fsencode(self.data)) <= _SOCKET_FOLDER_MAX:
            return self.data
        note = self.place / "sockets"
        if note.exists() and self._is_ours(known := Path(note.read_text("utf-8").strip())):
            return known
        temporary = Path(tempfile.gettempdir())
        short = [temporary] if len(os.fsencode(temporary)) < _SOCKET_FOLDER_MAX - 20 else []
        folder = self._account.private_folder([*short, Path("/tmp")], "cyclebook-")
        note.write_text(f"{folder}\n", "utf-8")
        return folder

    def _is_ours(self, folder: Path) -> bool:
        """Whether nobody else may have put it there: temporary folders are anyone's to fill."""
        owner = os.geteuid() if self._account.uid is None else self._account.uid
        return (
            folder.is_dir()
            and not folder.is_symlink()
            and folder.stat().st_uid == owner
            and folder.stat().st_mode & 0o077 == 0
        )

    def _await_server(self) -> None:
        began, refusal = time.monotonic(), ""
        while (answer := self._answer()) != _READY:
            waited_s = time.monotonic() - began
            if waited_s > (_RECOVERY_S if answer == _STARTING else _ATTEMPTS_S):
                raise StoreUnavailable(
                    f"PostgreSQL does not start. {refusal}\n{self._end_of_log()}"
                )
            if answer == _NOBODY_THERE:
                self._shorten_log()
                refusal = self._control("start", f"--log={self._log}", "--options", self._options())
            time.sleep(0.05)

    def _answer(self) -> int:
        return self._account.run(
            self._programs / "pg_isready", "--quiet", f"--host={self._sockets}"
        ).returncode

    def _control(self, action: str, *arguments: str) -> str:
        """Run ``pg_ctl`` and return why it refused, or nothing if it did what it was told.

        It gives the server a session of its own, so Ctrl-C on a terminal does not reach it.
        """
        answer = self._account.run(
            self._programs / "pg_ctl", action, f"--pgdata={self.data}", *arguments
        )
        said = (answer.stderr or answer.stdout).strip()
        return "" if answer.returncode == 0 else said or f"pg_ctl {action} failed"

    def _options(self) -> str:
        settings = {**SETTINGS, "unix_socket_directories": str(self._sockets)}
        return " ".join(f"-c {name}={_quoted(value)}" for name, value in settings.items())

    @property
    def _log(self) -> Path:
        return self.data / "log"

    def _shorten_log(self) -> None:
        if self._log.exists() and self._log.stat().st_size > _LOG_MAX:
            self._log.rename(self.data / "log.old")

    def _end_of_log(self) -> str:
        if not self._log.exists():
            return f"It left no log in {self.data}."
        return f"The end of {self._log}:\n{self._log.read_text('utf-8', 'replace')[-2000:]}"

    def _create_database(self) -> None:
        with psycopg.connect(self._url_of("postgres"), autocommit=True) as connection:
            known = connection.execute("select from pg_database where datname = %s", [DATABASE])
            if known.fetchone() is None:
                connection.execute(f'create database "{DATABASE}"')


#: What ``pg_isready`` answers.
_READY, _STARTING, _NOBODY_THERE = 0, 1, 2


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Alone among processes, until the block ends or we die."""
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _quoted(value: str) -> str:
    """For the shell that ``pg_ctl`` starts the server with."""
    return "'" + value.replace("'", "'\\''") + "'"
