"""The client as it is installed: by itself, beside nothing else."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_its_wheel_is_whole_and_needs_no_other_package(tmp_path: Path) -> None:
    source = tmp_path / "source"
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
    shutil.copytree(ROOT / "clients" / "python", source, ignore=ignored)
    offline = ("--no-deps", "--no-index", "--disable-pip-version-check", "--quiet")
    wheel = ["-m", "pip", "wheel", *offline, "--no-build-isolation", "-w", tmp_path, source]
    subprocess.run([sys.executable, *wheel], check=True)
    (built,) = tmp_path.glob("cyclebook_client-*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(tmp_path / "installed")
    ours = {file.name for file in source.glob("cyclebook_client/*") if file.is_file()}
    found = {file.name for file in (tmp_path / "installed/cyclebook_client").iterdir()}
    assert found == ours and "py.typed" in found
    script = f"import sys; sys.path.insert(0, {str(tmp_path / 'installed')!r})\n"
    script += "from cyclebook_client import Client; Client('http://localhost', 'ck_x').close()"
    subprocess.run([sys.executable, "-I", "-S", "-c", script], check=True)  # no site-packages
