"""A month's copy is never spoilt by another one, and goes to no place where it was not before."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from adapters.postgres import archiving
from adapters.postgres.rebuild import PostgresRebuilder
from api.archive_files import detach, restore, write
from api.wiring import Wired
from application.archiving import Archive, Month, month_of
from domain.errors import Busy, InvalidInput, NotFound, RuleViolation
from projections.chain import Row
from tests.detached import (
    MONTH,
    PARTITION,
    archived,
    detached,
    is_there,
    log,
    now,
    stored,
    wired,
)
from tests.stored_stories import FIRST
from tests.stored_world import StoredWorld
from tests.world import ACTOR

OF_A_REBUILD = "hashtextextended('cyclebook.rebuild', 0)"


__all__ = ["stored", "wired"]


@dataclass
class Between:
    """The archive, and what somebody else does after the first row of a month was read."""

    archive: Archive
    done: Callable[[], object]

    def rows(self, month: Month) -> Iterator[Row]:
        rows = self.archive.rows(month)
        yield next(rows)
        self.done()
        yield from rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self.archive, name)


@pytest.mark.parametrize("page", [1, 500], ids=["cut short", "whole"])
def test_a_month_that_leaves_while_it_is_copied_keeps_the_copy_it_left_with(
    stored: StoredWorld, wired: Wired, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(archiving, "PAGE", page)
    before = log(stored)
    file = archived(wired, tmp_path)
    trail = wired.audit_trail
    between = Between(trail.archive, lambda: detach(wired, file, ACTOR, now()))
    meanwhile = replace(wired, audit_trail=replace(trail, archive=between))
    with pytest.raises(InvalidInput, match="detached while it was copied"):
        write(meanwhile, month_of(MONTH), tmp_path)
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        f"events-{MONTH}.json",
        f"events-{MONTH}.ndjson.gz",
    ]
    restore(wired, file)
    assert log(stored) == before


@pytest.mark.parametrize(
    "damage",
    [
        f"DELETE FROM {PARTITION} WHERE originator_version > 3",
        f"UPDATE {PARTITION} SET recorded_at = recorded_at + interval '1 s'"
        " WHERE originator_version = 3",
    ],
    ids=["rows are lost", "a row is another"],
)
def test_a_copy_is_not_replaced_by_one_that_lacks_something_of_it(
    stored: StoredWorld, wired: Wired, tmp_path: Path, damage: str
) -> None:
    file = archived(wired, tmp_path)
    whole = file.read_bytes()
    stored.damage(damage)
    with pytest.raises(RuleViolation, match="it stays") as refused:
        write(wired, month_of(MONTH), tmp_path)
    assert refused.value.code == "archive_differs"
    assert file.read_bytes() == whole
    assert len(list(tmp_path.iterdir())) == 2
    write(wired, month_of(MONTH), tmp_path / "elsewhere")


def test_a_copy_is_replaced_by_one_that_holds_more(
    stored: StoredWorld, wired: Wired, tmp_path: Path
) -> None:
    before = write(wired, month_of(MONTH), tmp_path)["events"]
    stored.made.reconciler.audit(FIRST)
    stored.made.use("1", stored.made.now)
    stored.settle_down()
    assert write(wired, month_of(MONTH), tmp_path)["events"] > before
    detach(wired, tmp_path / f"events-{MONTH}.ndjson.gz", ACTOR, now())
    assert not is_there(stored)


@pytest.mark.parametrize("of", ["seal", "events"])
def test_a_manifest_that_says_something_else_of_the_rows_is_refused(
    stored: StoredWorld, wired: Wired, tmp_path: Path, of: str
) -> None:
    file = archived(wired, tmp_path)
    manifest = tmp_path / f"events-{MONTH}.json"
    told = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(told | {of: "0" if of == "seal" else 1}))
    with pytest.raises(InvalidInput, match="not what its manifest says"):
        detach(wired, file, ACTOR, now())
    stored.damage(f"DELETE FROM {PARTITION}")
    with pytest.raises(InvalidInput, match="not what its manifest says"):
        restore(wired, file)
    assert stored.rows(f"SELECT count(*) FROM {PARTITION}") == [(0,)]


@pytest.mark.parametrize(
    "never", ["DELETE FROM chain_link", "UPDATE chain_link SET digest = '' WHERE number = 5"]
)
def test_what_was_never_in_a_log_is_not_put_there(
    stored: StoredWorld, wired: Wired, tmp_path: Path, never: str
) -> None:
    file = archived(wired, tmp_path)
    stored.damage(f"DELETE FROM {PARTITION}")
    stored.damage(never)
    with pytest.raises(RuleViolation, match="never in this log") as refused:
        restore(wired, file)
    assert refused.value.code == "archive_differs"
    assert stored.rows(f"SELECT count(*) FROM {PARTITION}") == [(0,)]


def test_a_month_does_not_come_back_behind_a_rebuild(
    stored: StoredWorld, wired: Wired, tmp_path: Path
) -> None:
    file, _ = detached(wired, tmp_path)
    with psycopg.connect(stored.url) as other:
        other.execute(f"SELECT pg_advisory_lock({OF_A_REBUILD})".encode())
        with pytest.raises(Busy, match="rebuild"):
            restore(wired, file)
    assert not is_there(stored)
    restore(wired, file)
    assert PostgresRebuilder(stored.database, stored.catalog).differing() == {}


def test_of_two_who_detach_it_at_once_one_does(
    stored: StoredWorld, wired: Wired, tmp_path: Path
) -> None:
    before = log(stored)
    file = archived(wired, tmp_path)
    with ThreadPoolExecutor() as both:
        tried = [both.submit(detach, wired, file, ACTOR, now()) for _ in range(2)]
    failed = [type(each.exception()) for each in tried if each.exception()]
    assert failed in ([Busy], [NotFound])
    restore(wired, file)
    assert log(stored) == before


def test_a_month_that_came_back_is_stored_like_any_other(
    stored: StoredWorld, wired: Wired, tmp_path: Path
) -> None:
    before = how_it_is_stored(stored)
    file, _ = detached(wired, tmp_path)
    restore(wired, file)
    assert how_it_is_stored(stored) == before


def how_it_is_stored(stored: StoredWorld) -> list[tuple[Any, ...]]:
    """Its columns, constraints, indexes, owner, and what identifies a row to a replica."""
    return [
        *stored.rows(
            "SELECT attname, attnotnull, attstorage, attcompression, atthasdef FROM pg_attribute"
            " WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum",
            PARTITION,
        ),
        *stored.rows(
            "SELECT contype, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = %s::regclass ORDER BY 2",
            PARTITION,
        ),
        *stored.rows(
            "SELECT regexp_replace(indexdef, 'INDEX .* ON', 'ON') AS as_made FROM pg_indexes"
            " WHERE tablename = %s ORDER BY 1",
            PARTITION,
        ),
        *stored.rows(
            "SELECT relowner, relreplident, relpersistence FROM pg_class WHERE relname = %s",
            PARTITION,
        ),
    ]
