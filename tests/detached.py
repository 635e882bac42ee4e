"""January in a store, issued, paid and over, so that it may leave the log; and how it leaves."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api.archive_files import detach, write
from api.settings import Settings
from api.wiring import Wired, wire
from application.archiving import month_of
from application.detached import DetachedMonth
from domain.events.outcome import InvoicePaid
from tests.stored_stories import FIRST, february_is_issued
from tests.stored_world import StoredWorld, stored_world
from tests.world import ACTOR

MONTH = "2026-01"
PARTITION = "cyclebook_events_2026_01"


def january_is_over(stored: StoredWorld) -> None:
    """January and February are issued, January is paid, and nobody takes late facts any more."""
    february_is_issued(stored)
    pay(stored, FIRST)
    stored.made.register(policies={"late_limit_cycles": 0})
    stored.settle_down()


def pay(stored: StoredWorld, cycle: str) -> None:
    with stored.made.books.change("acme", actor="stripe", cycle=cycle) as books:
        paid = InvoicePaid(at=stored.made.now, amount=1)
        assert books.asked is not None
        books.append(books.asked, books.asked.record_outcome(paid))


@contextmanager
def wired_over(stored: StoredWorld) -> Iterator[Wired]:
    """The service over a store."""
    given = {"DATABASE_URL": stored.url, "THREADS": "2", "RATE_LIMIT_PER_S": "1000000"}
    with wire(Settings.from_environment(given), stored.url, stored.made.gateway) as wired:
        yield wired


@pytest.fixture
def stored(each_database_url: str) -> Iterator[StoredWorld]:
    with stored_world(each_database_url) as found:
        january_is_over(found)
        yield found


@pytest.fixture
def wired(stored: StoredWorld) -> Iterator[Wired]:
    with wired_over(stored) as found:
        yield found


def archived(wired: Wired, folder: Path) -> Path:
    """January's copy."""
    manifest: dict[str, Any] = write(wired, month_of(MONTH), folder)
    return folder / str(manifest["file"])


def detached(wired: Wired, folder: Path) -> tuple[Path, DetachedMonth]:
    """January's copy, and January gone."""
    file = archived(wired, folder)
    return file, detach(wired, file, ACTOR, datetime.now(UTC))


def log(stored: StoredWorld) -> list[tuple[Any, ...]]:
    return stored.rows("SELECT * FROM cyclebook_events ORDER BY notification_id")


def is_there(stored: StoredWorld) -> bool:
    return bool(stored.rows("SELECT to_regclass(%s) IS NOT NULL", PARTITION)[0][0])


def now() -> datetime:
    return datetime.now(UTC)
