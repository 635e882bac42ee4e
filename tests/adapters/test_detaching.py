"""A month leaves the log and comes back: whole or not at all, and all that is left holds."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from adapters.postgres.projector import PostgresProjector
from adapters.postgres.rebuild import PostgresRebuilder
from api.archive_files import detach, restore, rows_of, whole_copy
from api.wiring import Wired
from application.archiving import Copy
from application.reconciling.ports import Asked
from domain.errors import Busy, MonthArchived, RuleViolation, StoreUnavailable
from domain.events.stripe_invoice import SyncFailed
from projections.chain import Row
from tests.detached import (
    MONTH,
    PARTITION,
    archived,
    detached,
    is_there,
    log,
    now,
    pay,
    stored,
    wired,
)
from tests.january import JANUARY, day
from tests.stored_stories import FIRST
from tests.stored_world import StoredWorld
from tests.world import ACTOR

FAILED = SyncFailed(plan=9, code="x", message="x")


__all__ = ["stored", "wired"]


def projections(stored: StoredWorld) -> dict[str, list[tuple[object, ...]]]:
    tables = ("invoice_summary", "usage_by_day", "usage_by_day_value", "case_summary")
    return {table: sorted(stored.rows(f"TABLE {table}"), key=repr) for table in tables}


def chain_says(wired: Wired) -> list[tuple[str, int | None]]:
    return [(each.what, each.position) for each in wired.audit_trail.chain.verify(None, {})]


# It leaves, and comes back


def test_a_month_leaves_the_log_and_comes_back_as_it_was(
    stored: StoredWorld, wired: Wired, tmp_path: Path
) -> None:
    before, digests, rows = log(stored), stored.digests(), projections(stored)
    file, done = detached(wired, tmp_path)
    left = log(stored)
    assert not is_there(stored)
    assert (done.month, done.cycles, done.events) == (MONTH, 1, len(before) - len(left))
    assert done.first_position < done.last_position
    assert (done.detached_by, done.file) == (ACTOR, "events-2026-01.ndjson.gz")
    assert wired.audit_trail.archive.detached() == [done]
    assert projections(stored) == rows
    assert restore(wired, file).restored == done.events
    assert log(stored) == before
    assert stored.digests() == digests
    assert wired.audit_trail.archive.detached() == []


def test_it_can_leave_again(stored: StoredWorld, wired: Wired, tmp_path: Path) -> None:
    file, first = detached(wired, tmp_path)
    restore(wired, file)
    second = detach(wired, file, ACTOR, now())
    assert second.seal == first.seal
    assert not is_there(stored)
    restore(wired, archived_again(file))
    assert stored.told() == set()


def archived_again(file: Path) -> Path:
    """The same copy at another place."""
    other = file.parent / "elsewhere"
    other.mkdir()
    for each in (file, file.with_name(file.name.replace(".ndjson.gz", ".json"))):
        (other / each.name).write_bytes(each.read_bytes())
    return other / file.name


# What is checked goes on


def test_everything_that_is_left_holds(stored: StoredWorld, wired: Wired, tmp_path: Path) -> None:
    file, _ = detached(wired, tmp_path)
    assert stored.told() == set()
    assert chain_says(wired) == []
    restore(wired, file)
    assert stored.told() == set()
    assert chain_says(wired) == []


def test_verify_counts_what_is_left(stored: StoredWorld, wired: Wired, tmp_path: Path) -> None:
    assert stored.verify().cycles == 3
    detached(wired, tmp_path)
    assert stored.verify().cycles == 2


def test_an_audit_compares_what_is_left(stored: StoredWorld, wired: Wired, tmp_path: Path) -> None:
    detached(wired, tmp_path)
    report = wired.reconciliations.run(Asked(), ACTOR, lambda done, expected: None)
    assert (report.expected, report.done, report.problem) == (2, 2, None)


def test_the_chain_still_finds_what_was_removed_elsewhere(
    stored: StoredWorld, wired: Wired, tmp_path: Path
) -> None:
    detached(wired, tmp_path)
    (position,) = stored.rows("SELECT min(notification_id) FROM cyclebook_events_2026_02")[0]
    stored.damage("DELETE FROM cyclebook_events_2026_02 WHERE notification_id = %s", position)
    assert chain_says(wired) == [("removed", position)]


def test_a_mark_alone_hides_nothing(stored: StoredWorld, wired: Wired, tmp_path: Path) -> None:
    file, _ = detached(wired, tmp_path)
    stored.damage("UPDATE detached_month SET seal = repeat('0', 64)")
    assert [what for what, _ in chain_says(wired)] == ["rewritten"]
    with pytest.raises(RuleViolation, match="another copy") as refused:
        restore(wired, file)
    assert refused.value.code == "archive_differs"
    assert not is_there(stored)


def test_a_rebuild_keeps_the_rows_of_a_detached_month(
    stored: StoredWorld, wired: Wired, tmp_path: Path
) -> None:
    rows = projections(stored)
    detached(wired, tmp_path)
    catalog = stored.catalog
    PostgresRebuilder(stored.database, catalog).rebuild()
    assert projections(stored) == rows
    stored.made.travel(stored.made.now + timedelta(hours=1))
    stored.made.use("1", stored.made.now)
    assert PostgresProjector(stored.database, catalog).step() is False
    assert PostgresRebuilder(stored.database, catalog).differing() == {}


def test_followers_of_the_log_go_on_over_the_hole(
    stored: StoredWorld, wired: Wired, tmp_path: Path
) -> None:
    detached(wired, tmp_path)
    used = stored.made.use("1", stored.made.now)
    projector = PostgresProjector(stored.database, stored.catalog)
    while projector.step() or wired.audit_trail.chain.step():
        pass
    assert projector.position() == used.position
    assert wired.audit_trail.chain.head("acme").position == used.position


# What breaks off


def test_other_months_are_written_to_while_one_is_compared(
    stored: StoredWorld, wired: Wired, tmp_path: Path
) -> None:
    copy, rows = read_copy(archived(wired, tmp_path))
    made, positions = stored.made, list[int]()

    def slowly() -> Iterator[Row]:
        for row in rows:
            both = [made.usage("1", made.now), made.usage("1", day(12))]
            recorded = made.record(both)
            assert [each.code for each in recorded.refusals.values()] == ["too_late"]
            positions.append(recorded.position)
            yield row

    done = wired.audit_trail.archive.detach(copy, slowly(), by=ACTOR, now=now())
    assert done.events == len(positions)
    assert min(positions) > done.last_position
    assert not is_there(stored)


def test_what_would_be_added_to_it_meanwhile_is_refused_after_it_left(
    stored: StoredWorld, wired: Wired, tmp_path: Path
) -> None:
    made = stored.made
    copy, rows = read_copy(archived(wired, tmp_path))
    late = (
        lambda: made.stripe.append(FIRST, made.stripe.load(FIRST)[1], [FAILED], ACTOR),
        lambda: pay(stored, FIRST),
        lambda: made.register("globex", starts_at=JANUARY),
    )
    with ThreadPoolExecutor() as others:
        waiting: list[Future[object]] = []

        def begun() -> Iterator[Row]:
            yield next(rows)
            waiting.extend(others.submit(each) for each in late)
            # That they wait is not to be seen from here; if they did not, the rows would differ.
            while not wired_waits(stored, len(late)):
                pass
            made.use("1", made.now)  # and none of them waits with the log in his hands
            yield from rows

        wired.audit_trail.archive.detach(copy, begun(), by=ACTOR, now=now())
    assert [type(each.exception()) for each in waiting] == [MonthArchived] * 3
    assert chain_says(wired) == []


def read_copy(file: Path) -> tuple[Copy, Iterator[Row]]:
    return whole_copy(file), rows_of(file)


def wired_waits(stored: StoredWorld, how_many: int) -> bool:
    """Whether so many wait for a lock."""
    (found,) = stored.rows(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    return bool(found[0] >= how_many)


@pytest.mark.parametrize("table", ["cyclebook_events", PARTITION, "cycle_head"])
def test_whoever_holds_a_lock_is_not_waited_for_long(
    stored: StoredWorld, wired: Wired, tmp_path: Path, table: str
) -> None:
    file = archived(wired, tmp_path)
    with psycopg.connect(stored.url) as other:
        other.execute(f"LOCK TABLE ONLY {table} IN EXCLUSIVE MODE".encode())
        with pytest.raises(Busy):
            detach(wired, file, ACTOR, now())
    assert is_there(stored)
    assert wired.audit_trail.archive.detached() == []
    detach(wired, file, ACTOR, now())


def test_a_transaction_that_breaks_off_leaves_the_month(
    stored: StoredWorld, wired: Wired, tmp_path: Path
) -> None:
    file = archived(wired, tmp_path)
    before = log(stored)
    stored.change(
        "CREATE FUNCTION die() RETURNS event_trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); END $$"
    )
    stored.change("CREATE EVENT TRIGGER die ON sql_drop EXECUTE FUNCTION die()")
    try:
        with pytest.raises(StoreUnavailable):
            detach(wired, file, ACTOR, now())
    finally:
        stored.change("DROP EVENT TRIGGER die")
        stored.change("DROP FUNCTION die")
    assert log(stored) == before
    assert wired.audit_trail.archive.detached() == []
    assert stored.told() == set()
