"""A world on PostgreSQL whose Stripe is a process of its own, and whose life may end at a step."""

import os
import signal
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import stripe

from adapters.postgres.books import PostgresBooks
from adapters.postgres.catalog import PostgresCatalog
from adapters.postgres.database import Database
from adapters.postgres.directory import PostgresDirectory
from adapters.postgres.event_log import CyclebookEvents, PostgresEventLog
from adapters.postgres.group_commit import GroupCommit
from adapters.postgres.records import PostgresCycleRecords
from adapters.postgres.routing import Routes
from adapters.postgres.usage_plan import Planner
from adapters.postgres.usage_recorder import UsageRecorder
from adapters.postgres.usage_records import PostgresUsageFinder
from adapters.sandbox.client import ORIGIN
from adapters.stripe.gateway import stripe_sender
from application.cycles import CycleOpener
from application.ports import Books, EventLog, OpenBooks
from tests.january import JANUARY
from tests.world import Ports, World


class Life:
    """Counts the steps of a process, and ends it with SIGKILL at one of them, if told to."""

    def __init__(self, ends_at: int | None = None) -> None:
        self.ends_at = ends_at
        self.steps: list[str] = []

    def step(self, name: str) -> None:
        """The process has come to a fault point."""
        if len(self.steps) == self.ends_at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.steps.append(name)


class Carrier(stripe.HTTPClient):
    """Takes requests to a sandbox over HTTP; before and after each is a step."""

    name = "distant"

    def __init__(self, url: str, life: Life) -> None:
        super().__init__()
        self._url, self._life = url, life
        self._sender: Any = stripe_sender()

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        **_: Any,
    ) -> Any:
        path = url.removeprefix(ORIGIN).partition("?")[0]
        self._life.step(f"before {method} {path}")
        answer = self._sender.request(
            method, self._url + url.removeprefix(ORIGIN), headers, post_data
        )
        self._life.step(f"after {method} {path}")
        return answer

    def close(self) -> None:
        self._sender.close()


class MortalLog:
    """A log; before and after each append is a step."""

    def __init__(self, log: EventLog, life: Life) -> None:
        self._log, self._life = log, life
        self.read: Callable[..., Any] = log.read

    def append(self, *what: Any, **how: Any) -> int:
        self._life.step("before append")
        position = self._log.append(*what, **how)
        self._life.step("after append")
        return position


class MortalBooks:
    """Books; before and after each commit is a step."""

    def __init__(self, books: Books, life: Life) -> None:
        self._books, self._life = books, life

    @contextmanager
    def change(self, *what: Any, **how: Any) -> Iterator[OpenBooks]:
        change: AbstractContextManager[OpenBooks] = self._books.change(*what, **how)
        with change as books:
            yield books
            self._life.step("before commit")
        self._life.step("after commit")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._books, name)


class SharedClock:
    """One instant that several processes go by, in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def set(self, now: datetime) -> None:
        self.path.write_bytes(struct.pack("d", now.timestamp()))

    def __call__(self) -> float:
        (seconds,) = struct.unpack("d", self.path.read_bytes())
        return float(seconds)


def stored_ports(database: Database, events: CyclebookEvents, now: Callable[[], datetime]) -> Ports:
    """Every port on PostgreSQL."""
    catalog = PostgresCatalog(database)
    books, routes = PostgresBooks(database, catalog), Routes(catalog)
    planner = Planner(database, routes, CycleOpener(books, now))
    return Ports(
        log=PostgresEventLog(database, events),
        books=books,
        catalog=catalog,
        directory=PostgresDirectory(database),
        records=PostgresCycleRecords(database),
        usage=GroupCommit(UsageRecorder(database, routes, planner).append),
        find=PostgresUsageFinder(database),
    )


class Distant(World):
    """A world over a database and a sandbox's address. life: its steps are counted there."""

    def __init__(
        self,
        database: str,
        url: str,
        clock: Path,
        now: datetime = JANUARY,
        *,
        ends_at: int | None = None,
    ) -> None:
        self.life = Life(ends_at)
        self._database, self._events = Database(database, 4), CyclebookEvents(database)
        self._shared = SharedClock(clock)
        ports = stored_ports(self._database, self._events, lambda: self.now)
        self.log = ports.log
        mortal = replace(
            ports,
            log=MortalLog(ports.log, self.life),
            books=MortalBooks(ports.books, self.life),
        )
        super().__init__(now, mortal, Carrier(url, self.life))
        self._shared.set(now)

    def begin(self, now: datetime = JANUARY) -> None:
        """Be at an instant, also an earlier one: another account's time begins."""
        self.store.now = now
        self._shared.set(now)

    def travel(self, to: datetime) -> None:
        super().travel(to)
        self._shared.set(self.now)

    def later(self, **span: int) -> None:
        super().later(**span)
        self._shared.set(self.now)

    def close(self) -> None:
        """Let go of the database."""
        self._events.close()
        self._database.close()
