"""A folder where the processes of one API note what they count."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree

_NAME = "cyclebook-metrics-"


@contextmanager
def shared_folder() -> Iterator[str]:
    """Make it and tell prometheus-client of it, by its variable; it is gone afterwards.

    The library looks for the variable when it is loaded: that has to be later. What processes
    left that were killed is removed.
    """
    maker = os.getpid()
    _tidy()
    folder = tempfile.mkdtemp(prefix=f"{_NAME}{maker}-")
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
    try:
        yield folder
    finally:
        if os.getpid() == maker:  # a fork that ends comes by here, too
            rmtree(folder, ignore_errors=True)


def _tidy() -> None:
    """Remove folders whose makers are gone; those of other users cannot be, and stay."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_NAME}*-*"):
        maker = folder.name.removeprefix(_NAME).partition("-")[0]
        if maker.isdigit() and not _lives(int(maker)):
            rmtree(folder, ignore_errors=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True
