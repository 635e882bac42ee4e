"""A month in a file: copied, lost, put back, and the books are as they were."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.postgres.chains import PostgresChain
from api.archive_files import restore, write
from api.settings import Settings
from api.wiring import Wired, wire
from application.archiving import month_of
from domain.errors import InvalidInput, RuleViolation
from tests.stored_stories import FIRST, much_happened
from tests.stored_world import StoredWorld, stored_world

JANUARY = month_of("2026-01")


@pytest.fixture
def stored(database_url: str) -> Iterator[StoredWorld]:
    with stored_world(database_url) as found:
        much_happened(found)
        yield found


@pytest.fixture
def wired(stored: StoredWorld) -> Iterator[Wired]:
    settings = Settings.from_environment({"DATABASE_URL": stored.url, "THREADS": "2"})
    with wire(settings, stored.url) as found:
        yield found


def lose(stored: StoredWorld, where: str = "true") -> None:
    stored.damage(f"DELETE FROM cyclebook_events_2026_01 WHERE {where}")


def totals(wired: Wired) -> list[tuple[int, str]]:
    found = [wired.invoices.get(cycle) for cycle in wired.books.cycle_names("acme")]
    return [(each.total, each.digest) for each in found]


@pytest.mark.parametrize("where", ["true", "originator_version > 3"])
def test_a_lost_month_comes_back_as_it_was(
    stored: StoredWorld, wired: Wired, tmp_path: Path, where: str
) -> None:
    before = totals(wired)
    manifest = write(wired, JANUARY, tmp_path)
    head = PostgresChain(stored.database).head("acme")
    lose(stored, where)
    assert stored.told() != set()
    done = restore(wired, tmp_path / manifest["file"])
    assert done.restored + done.known == manifest["events"]
    assert done.restored > 0
    assert stored.told() == set()
    assert list(wired.audit_trail.chain.verify(None, {"acme": [head]})) == []
    assert totals(wired) == before


def test_what_is_there_stays_and_nothing_is_restored_twice(
    stored: StoredWorld, wired: Wired, tmp_path: Path
) -> None:
    manifest = write(wired, JANUARY, tmp_path)
    assert restore(wired, tmp_path / manifest["file"]).restored == 0
    assert stored.told() == set()


def test_a_month_with_an_invoice_to_come_is_not_archived(wired: Wired, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"acme\.2026-02-01"):
        write(wired, month_of("2026-02"), tmp_path)
    with pytest.raises(InvalidInput, match="nothing"):
        write(wired, month_of("2020-02"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_month_leaves_an_earlier_copy_alone(
    stored: StoredWorld, wired: Wired, tmp_path: Path
) -> None:
    file = tmp_path / write(wired, JANUARY, tmp_path)["file"]
    whole = file.read_bytes()
    lose(stored)
    stored.change("DELETE FROM cycle_head WHERE cycle = %s", FIRST)
    with pytest.raises(InvalidInput, match="nothing"):
        write(wired, JANUARY, tmp_path)
    assert file.read_bytes() == whole


def test_an_archive_that_was_changed_is_refused(
    stored: StoredWorld, wired: Wired, tmp_path: Path
) -> None:
    file = tmp_path / write(wired, JANUARY, tmp_path)["file"]
    whole = file.read_bytes()
    content = gzip.decompress(whole).replace(b"4900", b"5900")
    file.write_bytes(gzip.compress(content))
    lose(stored)
    with pytest.raises(InvalidInput, match="not what its manifest says"):
        restore(wired, file)
    file.write_bytes(whole + gzip.compress(b""))
    with pytest.raises(InvalidInput, match="not what its manifest says"):
        restore(wired, file)
    file.write_bytes(b"")
    with pytest.raises(InvalidInput):
        restore(wired, file)


def test_a_log_that_differs_is_not_mixed_with_an_archive(
    stored: StoredWorld, wired: Wired, tmp_path: Path
) -> None:
    file = tmp_path / write(wired, JANUARY, tmp_path)["file"]
    lose(stored, "originator_version = 5")
    stored.rewrite("OneOffItemAdded", lambda it: it.update(amount=1))
    with pytest.raises(RuleViolation, match=FIRST):
        restore(wired, file)
    assert stored.rows("SELECT 1 FROM cyclebook_events_2026_01 WHERE originator_version = 5") == []


def test_the_manifest_names_the_heads_that_the_copy_was_made_at(
    wired: Wired, tmp_path: Path
) -> None:
    write(wired, JANUARY, tmp_path)
    manifest = json.loads((tmp_path / "events-2026-01.json").read_text())
    assert [each["organization"] for each in manifest["heads"]] == ["", "acme"]


@pytest.mark.parametrize("text", ["2026", "2026-13", "2026-1", "january", "2026-00"])
def test_a_text_that_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        month_of(text)
