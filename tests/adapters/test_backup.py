"""Backing up and restoring, as docs/how-to/back-up.md says: nothing is lost and all of it holds."""

import subprocess
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.postgres.programs import installed_programs
from domain.errors import EditedAtStripe
from tests.databases import drop_database, new_database
from tests.january import FEBRUARY, JANUARY, MARCH
from tests.reopened import reopened
from tests.stored_stories import SECOND, february_is_issued, much_happened
from tests.stored_world import StoredWorld, stored_world


@pytest.fixture
def stored(database_url: str) -> Iterator[StoredWorld]:
    with stored_world(database_url) as found:
        yield found


@pytest.fixture
def empty(embedded_server: str) -> Iterator[str]:
    """A database with nothing in it, for what is restored."""
    name = f"restored_{threading.get_native_id()}"
    yield new_database(embedded_server, name)
    drop_database(embedded_server, name)


def program(name: str, *arguments: str | Path) -> None:
    """Run one of PostgreSQL's own, of the server's version."""
    command = [installed_programs() / name, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def dump(url: str, file: Path) -> None:
    program("pg_dump", "--format=custom", f"--file={file}", url)


def restore(file: Path, url: str) -> None:
    program("pg_restore", "--exit-on-error", f"--dbname={url}", file)


def test_a_restored_database_holds_together_and_bills_the_same(
    stored: StoredWorld, empty: str, tmp_path: Path
) -> None:
    february_is_issued(stored)
    dump(stored.url, tmp_path / "dump")
    restore(tmp_path / "dump", empty)
    with reopened(empty, stored.made.clock, stored.made.gateway.find) as seen:
        report = seen.verify(ask_stripe=True)
        assert (report.broken, report.records) == ([], stored.verify(1).records)
        assert seen.digests() == stored.digests()
        assert len(seen.digests()) > 2


class Traffic(threading.Thread):
    """Usage, items and syncs, one after the other, until it is told to stop."""

    def __init__(self, stored: StoredWorld) -> None:
        super().__init__()
        self._stored = stored
        self.acknowledged = 0
        self.flows, self.over = threading.Event(), threading.Event()
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.over.is_set():
                self._go_on()
        except BaseException as error:
            self.error = error
            raise
        finally:
            self.flows.set()

    def _go_on(self) -> None:
        made = self._stored.made
        made.use("0.5", FEBRUARY + timedelta(days=2, seconds=made.records))
        self.acknowledged += 1
        if self.acknowledged % 10 == 0:
            made.item(f"item-{self.acknowledged}", 100, made.now)
            self._stored.settle_down()
            self.flows.set()


def test_a_dump_taken_under_traffic_is_the_books_of_one_moment(
    stored: StoredWorld, empty: str, tmp_path: Path
) -> None:
    much_happened(stored)
    held = stored.verify(1).records
    traffic = Traffic(stored)
    traffic.start()
    traffic.flows.wait()
    before = traffic.acknowledged
    dump(stored.url, tmp_path / "dump")
    after = traffic.acknowledged + 1
    traffic.over.set()
    traffic.join()
    assert traffic.error is None
    restore(tmp_path / "dump", empty)
    with reopened(empty, stored.made.clock) as seen:
        report = seen.verify()
        assert report.broken == []
        assert before <= report.records - held <= after
        assert seen.digests() == stored.digests(known_at=seen.last_recorded())


def at_stripe(stored: StoredWorld) -> list[int]:
    """What our lines come to on each of February's drafts there."""
    gateway = stored.made.gateway
    customer = gateway.find_customer("acme", JANUARY)
    assert customer is not None
    return [invoice.ours for invoice in gateway.find(customer, SECOND)]


def test_work_goes_on_after_a_restore_where_stripe_knows_more(
    stored: StoredWorld, empty: str, tmp_path: Path
) -> None:
    much_happened(stored)
    dump(stored.url, tmp_path / "dump")
    made = stored.made
    owed = made.invoice(SECOND).total
    made.item("after-backup", 700, made.now)
    stored.settle_down()
    restore(tmp_path / "dump", empty)
    with stored_world(empty, processor=made.gateway) as restored:
        restored.made.travel(made.now)
        assert (restored.made.invoice(SECOND).total, at_stripe(restored)) == (owed, [owed + 700])
        with pytest.raises(EditedAtStripe, match="item/after-backup"):
            restored.made.conflicts.sync(SECOND, "sync")
        restored.made.conflicts.decide(SECOND, "overwrite", "restored", actor="admin")
        restored.made.conflicts.sync(SECOND, "sync")
        assert at_stripe(restored) == [owed]
        restored.made.item("after-restore", 900, made.now)
        restored.settle_down()
        assert at_stripe(restored) == [owed + 900]
        assert restored.verify(ask_stripe=True).broken == []


def test_what_was_issued_after_the_backup_is_not_issued_again(
    stored: StoredWorld, empty: str, tmp_path: Path
) -> None:
    much_happened(stored)
    dump(stored.url, tmp_path / "dump")
    made = stored.made
    made.travel(MARCH + timedelta(hours=12))
    made.advance()
    stored.settle_down()
    issued = at_stripe(stored)
    restore(tmp_path / "dump", empty)
    with stored_world(empty, processor=made.gateway) as restored:
        restored.made.travel(made.now)
        restored.made.advance()
        restored.settle_down()
        assert restored.made.invoice(SECOND).status == "issued"
        assert at_stripe(restored) == issued
        assert restored.verify(ask_stripe=True).broken == []
