"""A folder where the processes of one API note what they count."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from shutil import rmtree


@contextmanager
def shared_folder() -> Iterator[str]:
    """Make it and tell prometheus-client of it, by its variable; it is gone afterwards.

    The library looks for the variable when it is loaded: that has to be later.
    """
    maker, folder = os.getpid(), tempfile.mkdtemp(prefix="cyclebook-metrics-")
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
    try:
        yield folder
    finally:
        if os.getpid() == maker:  # a fork that ends comes by here, too
            rmtree(folder, ignore_errors=True)
