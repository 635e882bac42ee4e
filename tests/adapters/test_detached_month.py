"""What a detached month answers: one refusal wherever its events are needed."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.postgres import organization_log, usage_records
from adapters.postgres.logged_usage import LoggedUsage
from adapters.postgres.usage_records import PostgresUsageArchive
from api.archive_files import restore
from api.wiring import Wired
from application.exporting import Window
from application.usage_records import Wanted
from domain.errors import Busy, MonthArchived
from domain.events.stripe_invoice import SyncFailed
from domain.identity import organization_stream, stripe_stream
from tests.detached import (
    MONTH,
    detached,
    log,
    now,
    stored,
    wired,
)
from tests.january import JANUARY, MARCH, day
from tests.stored_stories import FIRST, SECOND
from tests.stored_world import StoredWorld
from tests.world import ACTOR, World

THIRD = "acme.2026-03-01"
APRIL = MARCH + timedelta(days=31)


__all__ = ["stored", "wired"]


def test_nothing_is_read_as_empty(stored: StoredWorld, wired: Wired, tmp_path: Path) -> None:
    file, _ = detached(wired, tmp_path)
    for ask in questions(wired):
        with pytest.raises(MonthArchived, match=MONTH):
            ask()
    # The world's process remembers the cycle from before.
    with pytest.raises(MonthArchived):
        stored.made.invoice(FIRST)
    with pytest.raises(MonthArchived):
        stored.log.read_together([stripe_stream(FIRST), organization_stream("acme")])
    restore(wired, file)
    for ask in questions(wired):
        ask()


def questions(wired: Wired) -> list[Callable[[], object]]:
    early = JANUARY + timedelta(days=20)
    return [
        lambda: wired.invoices.get(FIRST),
        lambda: wired.invoices.get(FIRST, as_of=early),
        lambda: wired.invoices.history(FIRST),
        lambda: wired.books.history(FIRST, now()),
        lambda: wired.books.snapshot("acme", FIRST),
        lambda: wired.invoices.current("acme", as_of=early),
        lambda: wired.reconciler.pending(FIRST),
        lambda: list(wired.audit_trail.bundles.open(FIRST)[2]),
        lambda: wired.voiding.require_voidable(SECOND, "reissue", "why"),
        lambda: list(wired.exporting.journal(Window(), "acme")),
        lambda: wired.usage_records.page(Wanted(organization="acme")),
        lambda: wired.usage_records.page(Wanted(organization="acme", source="test", id="r1")),
    ]


def test_a_search_under_way_does_not_end_early(
    stored: StoredWorld, wired: Wired, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage_records, "PAGE", 1)
    archive = PostgresUsageArchive(stored.database)
    with archive.search(Wanted(organization="acme"), None) as found:
        assert next(found).cycle.id == FIRST
        detached(wired, tmp_path)
        with pytest.raises(MonthArchived, match=MONTH):
            next(found)


def test_an_export_under_way_does_not_end_early(
    stored: StoredWorld, wired: Wired, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(organization_log, "PAGE", 1)
    log = organization_log.PostgresOrganizationLog(stored.database)
    events = log.events("acme", for_staff=True)
    next(events)
    detached(wired, tmp_path)
    with pytest.raises(MonthArchived, match=MONTH):
        list(events)
    assert {each.name for each in log.events("acme", for_staff=False)} == {"acme", SECOND, THIRD}


def test_what_reads_at_one_moment_keeps_the_month_where_it_is(
    stored: StoredWorld, wired: Wired, tmp_path: Path
) -> None:
    with wired.audit_trail.chain.opened(), pytest.raises(Busy):
        detached(wired, tmp_path)
    detached(wired, tmp_path)


def test_usage_is_not_read_as_none_where_its_cycle_is_remembered(
    stored: StoredWorld, wired: Wired, tmp_path: Path
) -> None:
    ((cycle_id, number, version),) = stored.rows(
        "SELECT cycle_id, cycle_no, version FROM cycle_head WHERE cycle = %s", FIRST
    )
    detached(wired, tmp_path)
    with stored.database.connection() as connection:
        usage = LoggedUsage(connection, cycle_id.bytes, number, version)
        with pytest.raises(MonthArchived, match=MONTH):
            list(usage.read(lambda stretch: True))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda made: made.attach("a9", "machine", day(20)), id="dated into it"),
        pytest.param(lambda made: made.item("set-up", 4900, made.now), id="an item that it holds"),
        pytest.param(
            lambda made: made.correcting.retract("test", "r1", "why", actor=ACTOR), id="a record"
        ),
        pytest.param(lambda made: made.reconciler.sync(FIRST, ACTOR), id="a sync"),
        pytest.param(lambda made: made.reconciler.observe(FIRST, ACTOR), id="what Stripe says"),
        pytest.param(
            lambda made: made.stripe.append(
                FIRST, 99, [SyncFailed(plan=9, code="x", message="x")], ACTOR
            ),
            id="its life at Stripe",
        ),
    ],
)
def test_nothing_is_added_to_it(
    stored: StoredWorld, wired: Wired, tmp_path: Path, change: Callable[[World], object]
) -> None:
    detached(wired, tmp_path)
    before = log(stored)
    with pytest.raises(MonthArchived, match=MONTH):
        change(stored.made)
    assert log(stored) == before
    assert stored.told() == set()


def test_no_cycle_begins_in_it(stored: StoredWorld, wired: Wired, tmp_path: Path) -> None:
    detached(wired, tmp_path)
    before = log(stored)
    with pytest.raises(MonthArchived, match=MONTH):
        stored.made.register("globex", starts_at=JANUARY)
    assert log(stored) == before


def test_the_cycles_after_it_go_on(stored: StoredWorld, wired: Wired, tmp_path: Path) -> None:
    made = stored.made
    before = wired.invoices.get(SECOND, as_of=made.now)
    detached(wired, tmp_path)
    assert wired.invoices.get(SECOND, as_of=made.now).digest == before.digest
    assert wired.invoices.get(SECOND).digest == before.digest
    assert list(wired.exporting.journal(Window(start=MARCH + timedelta(days=1)), "acme")) == []
    made.attach("a9", "machine", made.now)
    made.item("another", 100, made.now)
    made.use("1", made.now)
    made.travel(APRIL + timedelta(hours=12))
    assert made.advance().issued == [THIRD]
    stored.settle_down()
    assert stored.told() == set()


def test_late_usage_waits_until_it_is_back(
    stored: StoredWorld, wired: Wired, tmp_path: Path
) -> None:
    file, _ = detached(wired, tmp_path)
    made = stored.made
    again = made.usage("1", day(5), id="r1", properties={"region": "fra"})
    other = made.usage("2", day(5), id="r1", properties={"region": "fra"})
    sent = [made.usage("5", day(12)), made.usage("1", made.now), again, other]
    refused = made.record(sent).refusals
    assert {at: each.code for at, each in refused.items()} == {
        0: "month_archived",
        2: "duplicate",
        3: "conflict",
    }
    (waiting,) = quarantined(stored)
    made.register(policies={"late_limit_cycles": 3})
    replayed = [stored.quarantine.replay([waiting], "again", actor=ACTOR, now=made.now)]
    restore(wired, file)
    replayed += [stored.quarantine.replay([waiting], "again", actor=ACTOR, now=made.now)]
    assert [each.replayed for each in replayed] == [0, 1]
    assert quarantined(stored) == []
    stored.settle_down()
    assert stored.told() == set()


def quarantined(stored: StoredWorld) -> list[int]:
    found = stored.rows(
        "SELECT id FROM quarantine WHERE status = 'open' AND code = 'month_archived'"
    )
    return [number for (number,) in found]
