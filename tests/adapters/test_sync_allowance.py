"""The queue of syncs keeps to an allowance: what nobody asked for waits, all else does not."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from adapters.postgres.rebuild import PostgresRebuilder
from adapters.postgres.sync_queue import HIGH, NORMAL, URGENT, PostgresSyncQueue
from adapters.postgres.syncs_ahead import SyncsAhead
from adapters.postgres.vitals import PostgresVitals
from application.projector import SyncClaim
from application.registration import Details
from application.schedule_ports import Tally
from domain.sync_allowance import SyncAllowance
from tests.adapters.projected import project, use
from tests.books import Wired, jan, january, record, wired

CYCLE = "acme.2026-01-01"
HOUR = timedelta(hours=1)
TWO_AT_ONCE = SyncAllowance(at_once=2, every=HOUR)
INTERVAL_S = 900


@pytest.fixture
def case(each_database_url: str) -> Iterator[Wired]:
    with wired(each_database_url) as wired_case:
        january(wired_case)
        yield wired_case


@pytest.fixture
def queue(case: Wired) -> PostgresSyncQueue:
    return PostgresSyncQueue(case.database, allowance=TWO_AT_ONCE)


def execute(case: Wired, statement: str) -> int:
    with case.database.connection() as connection:
        return connection.execute(statement.encode()).rowcount


def clock(case: Wired) -> datetime:
    found: datetime = case.rows("SELECT clock_timestamp()")[0][0]
    return found


def change(case: Wired, identity: str) -> None:
    """Usage, which the projector marks the cycle for."""
    use(case, record(identity))
    project(case)


def claimed(case: Wired, queue: PostgresSyncQueue) -> SyncClaim:
    """The one row, as if its time had come."""
    execute(case, "UPDATE sync_queue SET due_at = now()")
    (claim,) = queue.claim()
    return claim


def sync(case: Wired, queue: PostgresSyncQueue, identity: str) -> None:
    """A change, and its sync."""
    change(case, identity)
    assert queue.done(claimed(case, queue))


def used_up(case: Wired, queue: PostgresSyncQueue) -> None:
    """All that could be saved is spent: the next one may come in an hour."""
    sync(case, queue, "u1")
    sync(case, queue, "u2")


def waits(case: Wired) -> tuple[int, int]:
    """Priority, and seconds until the one row is due, to the nearest ten."""
    ((priority, seconds),) = case.rows(
        "SELECT priority, extract(epoch FROM due_at - clock_timestamp())::int FROM sync_queue"
    )
    return int(priority), round(seconds, -1)


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(None, id="the first"),
        pytest.param(-50 * HOUR, id="long ago"),
        pytest.param(-HOUR / 2, id="half a turn saved"),
        pytest.param(HOUR / 2, id="before its turn"),
    ],
)
def test_the_queue_says_what_the_domain_says(
    case: Wired, queue: PostgresSyncQueue, before: timedelta | None
) -> None:
    change(case, "k1")
    known = None if before is None else clock(case) + before
    if known:
        execute(case, f"INSERT INTO last_sync VALUES ('{CYCLE}', now(), '{known.isoformat()}')")
    claim = claimed(case, queue)

    earliest = TWO_AT_ONCE.next_at(known, clock(case))
    queue.done(claim)
    latest = TWO_AT_ONCE.next_at(known, clock(case))

    ((said,),) = case.rows("SELECT next_at FROM last_sync")
    assert earliest <= said <= latest


def test_a_draft_that_changes_all_the_time_is_synced_more_rarely_once_nothing_is_saved(
    case: Wired, queue: PostgresSyncQueue
) -> None:
    change(case, "k1")
    assert waits(case) == (NORMAL, INTERVAL_S)
    queue.done(claimed(case, queue))
    change(case, "k2")
    assert waits(case) == (NORMAL, INTERVAL_S)
    queue.done(claimed(case, queue))
    change(case, "k3")
    assert waits(case) == (NORMAL, 3600)


def test_so_is_one_that_changes_while_it_is_synced(case: Wired, queue: PostgresSyncQueue) -> None:
    sync(case, queue, "u1")
    change(case, "k1")
    claim = claimed(case, queue)
    change(case, "k2")
    assert not queue.done(claim)
    assert waits(case) == (NORMAL, 3600)


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        pytest.param({}, (NORMAL, 3600), id="usually"),
        pytest.param({"sync_interval_s": 7200}, (NORMAL, 7200), id="it would come later anyway"),
        pytest.param({"priority": "high"}, (HIGH, 0), id="never: its organization is urgent"),
    ],
)
def test_whom_the_allowance_holds_back(
    case: Wired, queue: PostgresSyncQueue, policies: dict[str, Any], expected: tuple[int, int]
) -> None:
    used_up(case, queue)
    details = Details(name="Acme", currency="usd", policies=policies)
    case.registration.put("acme", details, actor="test", at=jan(2))
    change(case, "k1")
    assert waits(case) == expected


def test_a_person_does_not_wait_and_what_follows_does(
    case: Wired, queue: PostgresSyncQueue
) -> None:
    used_up(case, queue)
    change(case, "k1")
    queue.mark(CYCLE, 1, clock(case))
    assert waits(case) == (URGENT, 0)
    claim = claimed(case, queue)
    change(case, "k2")
    queue.done(claim)
    assert waits(case) == (NORMAL, 3600)


@pytest.mark.parametrize(
    ("ended", "within_s"),
    [
        pytest.param(lambda queue, token: queue.fail(token, "busy"), 5, id="it failed"),
        pytest.param(lambda queue, token: queue.give_back(token, timedelta()), 0, id="not tried"),
    ],
)
def test_what_was_not_carried_out_is_tried_again_and_keeps_its_urgency(
    case: Wired, queue: PostgresSyncQueue, ended: Any, within_s: int
) -> None:
    used_up(case, queue)
    change(case, "k1")
    claim = claimed(case, queue)
    queue.mark(CYCLE, 1, clock(case))
    ended(queue, claim.token)
    priority, seconds = waits(case)
    assert (priority, seconds <= within_s) == (URGENT, True)


def test_a_rebuild_and_a_look_for_lost_marks_leave_it_waiting(
    case: Wired, queue: PostgresSyncQueue
) -> None:
    used_up(case, queue)
    change(case, "k1")
    PostgresRebuilder(case.database, case.catalog).rebuild()
    assert waits(case) == (NORMAL, 3600)
    execute(case, "DELETE FROM sync_queue")
    execute(case, "UPDATE cyclebook_events SET recorded_at = recorded_at - interval '30 minutes'")
    assert SyncsAhead(case.database, TWO_AT_ONCE).unmarked() == Tally(expected=1, done=1)
    assert waits(case) == (NORMAL, 3600)


@pytest.mark.parametrize("queued", [True, False])
def test_what_a_sync_outside_the_queue_left_half_done_does_not_wait(
    case: Wired, queue: PostgresSyncQueue, queued: bool
) -> None:
    """A person's sync was killed between two calls; usage goes on meanwhile."""
    used_up(case, queue)
    change(case, "k1")
    execute(case, "UPDATE invoice_summary SET stripe_state = 'pending'")
    if not queued:
        execute(case, "DELETE FROM sync_queue")
    assert SyncsAhead(case.database, TWO_AT_ONCE).unmarked() == Tally(expected=1, done=1)
    priority, seconds = waits(case)
    assert (priority, seconds <= INTERVAL_S) == (NORMAL, True)


def test_nor_is_what_is_at_work_or_parked_touched_for_that(
    case: Wired, queue: PostgresSyncQueue
) -> None:
    change(case, "k1")
    execute(case, "UPDATE invoice_summary SET stripe_state = 'failed'")
    claim = claimed(case, queue)
    assert SyncsAhead(case.database, TWO_AT_ONCE).unmarked() == Tally(expected=0, done=0)
    queue.fail(claim.token, "refused", park=True)
    assert SyncsAhead(case.database, TWO_AT_ONCE).unmarked() == Tally(expected=0, done=0)


@pytest.mark.parametrize(
    ("every", "next_in_s"),
    [
        pytest.param(2 * HOUR, 3600, id="fewer: from the next sync on"),
        pytest.param(HOUR, 3600, id="as many"),
        pytest.param(HOUR / 2, 1800, id="more"),
    ],
)
def test_where_more_reads_are_allowed_than_before_those_who_wait_come_sooner(
    case: Wired, queue: PostgresSyncQueue, every: timedelta, next_in_s: int
) -> None:
    used_up(case, queue)
    change(case, "k1")
    now_allowed = SyncAllowance(at_once=2, every=every)
    looked = SyncsAhead(case.database, now_allowed).unmarked()
    assert (waits(case), looked.done) == ((NORMAL, next_in_s), int(next_in_s < 3600))
    assert SyncsAhead(case.database, now_allowed).unmarked().done == 0


def test_its_last_sync_ahead_of_the_end_does_not_wait_and_is_one(
    case: Wired, queue: PostgresSyncQueue
) -> None:
    """Ten hours before the end, the last of which is free: its place is over."""
    used_up(case, queue)
    execute(case, "UPDATE last_sync SET made_at = made_at - interval '1 day'")
    in_an_hour = int((clock(case) + HOUR).timestamp() * 1_000_000)
    execute(case, f"UPDATE cycle_head SET ends = {in_an_hour} WHERE cycle = '{CYCLE}'")
    change(case, "k1")
    ahead = SyncsAhead(case.database, TWO_AT_ONCE)
    assert ahead.before_the_end(10 * HOUR) == Tally(expected=1, done=1)
    assert waits(case) == (NORMAL, 0)
    queue.done(claimed(case, queue))
    change(case, "k2")
    assert ahead.before_the_end(10 * HOUR) == Tally(expected=0, done=0)
    assert waits(case) == (NORMAL, 3600)


def test_who_waits_for_it_is_counted_and_not_late(case: Wired, queue: PostgresSyncQueue) -> None:
    used_up(case, queue)
    change(case, "k1")
    execute(case, "UPDATE sync_queue SET dirty_since = dirty_since - interval '3 hours'")
    counted = PostgresVitals(case.database).count()
    assert counted["syncs_spaced"].count == 1
    assert counted["syncs_spaced"].age(counted.at) >= 3 * HOUR
    assert counted["syncs"].age(counted.at) < timedelta(minutes=1)

    execute(case, "UPDATE last_sync SET next_at = next_at - interval '2 hours'")
    execute(case, "UPDATE sync_queue SET due_at = due_at - interval '2 hours'")
    counted = PostgresVitals(case.database).count()
    assert counted["syncs_spaced"].count == 0
    assert HOUR - timedelta(minutes=1) < counted["syncs_due"].age(counted.at) < 2 * HOUR
    assert HOUR - timedelta(minutes=1) < counted["syncs"].age(counted.at) < 2 * HOUR


def test_what_says_nothing_any_more_is_forgotten(case: Wired, queue: PostgresSyncQueue) -> None:
    sync(case, queue, "k1")
    assert SyncsAhead(case.database, TWO_AT_ONCE).forget() == 0
    execute(case, "UPDATE last_sync SET made_at = made_at - interval '31 days'")
    assert SyncsAhead(case.database, TWO_AT_ONCE).forget() == 1
