"""The server that is measured, databases on it, and how much of everything there is."""

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.migrate import migrate
from benchmarks import books


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much of everything. hot: usage records on the one cycle that is read."""

    rounds: int
    organizations: int
    rows: int
    naive_events: int
    requests: int
    seconds: float
    hot: int


FULL = Sizes(
    rounds=3,
    organizations=10_000,
    rows=100_000,
    naive_events=1_000,
    requests=200,
    seconds=5,
    hot=1_000_000,
)
QUICK = Sizes(
    rounds=1,
    organizations=2_000,
    rows=30_000,
    naive_events=500,
    requests=60,
    seconds=2,
    hot=100_000,
)
TINY = Sizes(
    rounds=1,
    organizations=20,
    rows=400,
    naive_events=20,
    requests=4,
    seconds=0.2,
    hot=1_000,
)


@dataclass
class Machine:
    """One server and its databases, which are dropped in the end."""

    server: str
    sizes: Sizes
    _made: list[str] = field(default_factory=list)

    def empty_database(self, name: str) -> str:
        """A new database with all tables and nothing in them."""
        url = self._create(f"bench_{name}")
        migrate(url)
        return url

    def database(self, name: str) -> str:
        """A new database with the catalog published and nothing else."""
        return self._copy(name, self._template(0))

    def full_database(self, name: str) -> tuple[str, list[str]]:
        """A new database with all organizations in it, and their names."""
        count = self.sizes.organizations
        return self._copy(name, self._template(count)), books.names(count)

    def _template(self, organizations: int) -> str:
        name = f"bench_{organizations}_organizations"
        if name not in self._made:
            progress(f"making a database with {organizations:,} organizations")
            url = self._create(name)
            migrate(url)
            with unhurried(url):
                books.publish_catalog(url)
                books.register(url, books.names(organizations))
        return name

    def _copy(self, name: str, template: str) -> str:
        return self._create(f"bench_{name}", template)

    def _create(self, name: str, template: str = "template1") -> str:
        names = sql.Identifier(name), sql.Identifier(template)
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} (FORCE)").format(names[0]))
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
        self._made.append(name)
        return urlunsplit(urlsplit(self.server)._replace(path=f"/{name}"))

    def close(self) -> None:
        """Drop the databases made here."""
        with psycopg.connect(self.server, autocommit=True) as connection:
            for name in self._made:
                statement = sql.SQL("DROP DATABASE IF EXISTS {} (FORCE)")
                connection.execute(statement.format(sql.Identifier(name)))


@contextmanager
def machine(sizes: Sizes) -> Iterator[Machine]:
    """``BENCH_DATABASE_URL``'s server, which has to be on this machine, or an embedded one."""
    given = os.environ.get("BENCH_DATABASE_URL")
    if given:
        with closing(Machine(given, sizes)) as made:
            yield made
        return
    with tempfile.TemporaryDirectory(prefix="cyclebook-bench-") as home:
        Path(home).chmod(0o711)  # the server may run under an account of its own
        with EmbeddedPostgres(Path(home)) as url:
            yield Machine(url, sizes)


@contextmanager
def unhurried(url: str) -> Iterator[None]:
    """Sessions begun meanwhile do not wait for the disk: for preparations only."""
    name = sql.Identifier(urlsplit(url).path.removeprefix("/"))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(name))
        try:
            yield
        finally:
            connection.execute(sql.SQL("ALTER DATABASE {} RESET synchronous_commit").format(name))


def progress(*words: str) -> None:
    """Say what goes on, where it does not mix with the findings."""
    print("·", *words, file=sys.stderr, flush=True)


def rounds(sizes: Sizes, what: Sequence[str] = ()) -> Iterator[int]:
    """Numbers of the rounds, told as they begin."""
    for number in range(1, sizes.rounds + 1):
        progress(f"round {number} of {sizes.rounds}:", *what)
        yield number
