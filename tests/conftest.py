"""What every test may ask for: a database of its own, and golden files.

One embedded server serves the whole run; each pytest worker has a database in it, emptied before
each test that asks. Adapter tests that ask for ``each_database_url`` run a second time against
the server of ``TEST_DATABASE_URL``.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters.postgres.embedded import EmbeddedPostgres
from tests.databases import clean, drop_database, migrated_database

_HOME = "CYCLEBOOK_TEST_HOME"
_GOLDEN = Path(__file__).with_name("golden")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--accept-golden", action="store_true", help="write the golden files anew")


def pytest_configure(config: pytest.Config) -> None:
    """Make the run's folder in the first process; xdist's workers inherit its name."""
    if not hasattr(config, "workerinput"):
        home = Path(tempfile.mkdtemp(prefix="cyclebook-tests-"))
        home.chmod(0o711)  # as root, the server's account has to enter
        os.environ[_HOME] = str(home)
        config.add_cleanup(lambda: _remove(home))


def _remove(home: Path) -> None:
    if (home / "pgdata" / "postmaster.pid").exists():  # a worker was killed
        with EmbeddedPostgres(home):
            pass
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def embedded_server() -> Iterator[str]:
    """The URL of the run's embedded PostgreSQL."""
    with EmbeddedPostgres(Path(os.environ[_HOME])) as url:
        yield url


@pytest.fixture(scope="session")
def worker_database(embedded_server: str) -> str:
    """This worker's database in it, migrated, with whatever the last test left."""
    return migrated_database(embedded_server, f"test_{_worker()}")


@pytest.fixture
def database_url(worker_database: str) -> str:
    """An empty, migrated database in the embedded server."""
    clean(worker_database)
    return worker_database


@pytest.fixture(scope="session")
def server_database() -> Iterator[str]:
    """This worker's database in the server of ``TEST_DATABASE_URL``."""
    server = os.environ.get("TEST_DATABASE_URL")
    if not server:
        pytest.skip("TEST_DATABASE_URL is not set: tried on the embedded PostgreSQL only")
    name = f"cyclebook_test_{_worker()}"
    yield migrated_database(server, name)
    drop_database(server, name)


@pytest.fixture(params=["embedded", "server"])
def each_database_url(request: pytest.FixtureRequest) -> str:
    """An empty, migrated database: once embedded, once in ``TEST_DATABASE_URL``'s server."""
    source = {"embedded": "worker_database", "server": "server_database"}[request.param]
    url: str = request.getfixturevalue(source)
    clean(url)
    return url


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with ``tests/golden/NAME``; ``make golden`` accepts a change."""
    accept = request.config.getoption("--accept-golden")

    def compare(name: str, text: str) -> None:
        file = _GOLDEN / name
        if accept:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        assert text == file.read_text("utf-8"), f"{name} changed; see `make golden`"

    return compare


def _worker() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "alone")
