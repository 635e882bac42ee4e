"""The folder that an API's processes count in: gone afterwards, even what a killed one left."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from adapters.metrics.folder import shared_folder


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")


def _gone() -> int:
    """The number of a process that is over."""
    with subprocess.Popen([sys.executable, "-c", ""]) as over:
        return over.pid


def test_it_is_there_while_it_is_needed(tmp_path: Path) -> None:
    with shared_folder() as folder:
        assert Path(folder).parent == tmp_path
        assert os.environ["PROMETHEUS_MULTIPROC_DIR"] == folder
        (Path(folder) / "counter_1.db").touch()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    left = tmp_path / f"cyclebook-metrics-{_gone()}-abc"
    other = tmp_path / f"cyclebook-metrics-{os.getppid()}-abc"
    stranger = tmp_path / "cyclebook-metrics-of-mine"
    for each in (left, other, stranger):
        each.mkdir()

    with shared_folder():
        assert not left.exists()

    assert other.exists()
    assert stranger.exists()
