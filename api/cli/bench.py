"""``cyclebook bench``: the benchmarks of a source checkout."""

import subprocess
import sys
from pathlib import Path

import click

from domain.errors import NotFound

ROOT = Path(__file__).resolve().parents[2]


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def bench(arguments: tuple[str, ...]) -> None:
    """Measure; the same as ``python -m benchmarks`` in the project's folder."""
    if not (ROOT / "benchmarks").is_dir():
        raise NotFound("the benchmarks come with the sources only; run this from a checkout")
    sys.exit(subprocess.call([sys.executable, "-m", "benchmarks", *arguments], cwd=ROOT))
