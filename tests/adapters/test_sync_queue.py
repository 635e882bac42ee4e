"""The queue of syncs: leased, coalesced, retried, parked."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from adapters.postgres.projector import PostgresProjector
from adapters.postgres.sync_queue import PostgresSyncQueue
from application.projector import SyncClaim
from tests.books import Wired, cut_off, issue, jan, january, record, wired

CYCLE = "acme.2026-01-01"


@pytest.fixture
def case(each_database_url: str) -> Iterator[Wired]:
    with wired(each_database_url) as wired_case:
        january(wired_case)
        yield wired_case


@pytest.fixture
def queue(case: Wired) -> PostgresSyncQueue:
    return PostgresSyncQueue(case.database)


def put(case: Wired, cycle: str, *, priority: int = 0, due_in: int = 0) -> None:
    with case.database.connection() as connection:
        connection.execute(
            "INSERT INTO sync_queue (cycle, dirty_position, due_at, priority)"
            " VALUES (%s, 1, now() + %s * interval '1 second', %s)",
            [cycle, due_in, priority],
        )


def row(case: Wired, cycle: str = CYCLE) -> dict[str, Any]:
    found = case.rows(f"SELECT to_jsonb(q) FROM sync_queue q WHERE cycle = '{cycle}'")
    return dict(found[0][0]) if found else {}


def seconds_to_due(case: Wired) -> float:
    ((seconds,),) = case.rows("SELECT extract(epoch FROM due_at - now())::float8 FROM sync_queue")
    return float(seconds)


def claimed(queue: PostgresSyncQueue) -> SyncClaim:
    (claim,) = queue.claim()
    return claim


def use(case: Wired, identity: str) -> int:
    """Some usage, projected; its position."""
    case.usage_log.append([record(identity)], actor="key:test", now=case.now)
    projector = PostgresProjector(case.database, case.catalog)
    while projector.step():
        pass
    return projector.position()


def test_the_most_urgent_comes_first_then_the_longest_due(
    case: Wired, queue: PostgresSyncQueue
) -> None:
    put(case, "later", due_in=-1)
    put(case, "earlier", due_in=-9)
    put(case, "high", priority=10, due_in=-1)
    put(case, "urgent", priority=20, due_in=0)
    put(case, "not-due", priority=20, due_in=60)
    assert [claim.cycle for claim in queue.claim(9)] == ["urgent", "high", "earlier", "later"]


def test_a_claimed_cycle_is_nobody_elses(case: Wired, queue: PostgresSyncQueue) -> None:
    put(case, CYCLE)
    assert len(queue.claim()) == 1
    assert queue.claim() == []


def test_a_cycle_in_step_leaves_the_queue(case: Wired, queue: PostgresSyncQueue) -> None:
    put(case, CYCLE)
    assert queue.done(claimed(queue))
    assert row(case) == {}


def test_what_happens_during_a_sync_is_synced_at_its_own_time(
    case: Wired, queue: PostgresSyncQueue
) -> None:
    put(case, CYCLE)
    claim = claimed(queue)
    position = use(case, "k1")
    assert queue.claim() == []
    assert not queue.done(claim)
    left = row(case)
    assert (left["dirty_position"], left["lease_token"]) == (position, None)
    assert 890 < seconds_to_due(case) <= 900


def test_once_an_invoice_is_issued_the_next_ones_draft_is_due_at_once(
    case: Wired, queue: PostgresSyncQueue
) -> None:
    cut_off(case)
    projector = PostgresProjector(case.database, case.catalog)
    while projector.step():
        pass
    assert queue.claim() == []
    issue(case, CYCLE)
    while projector.step():
        pass
    (claim,) = queue.claim(9, high_only=True)
    assert claim.cycle == "acme.2026-02-01"
    assert row(case, CYCLE)["due_at"] > row(case, "acme.2026-02-01")["due_at"]


def test_a_lease_that_ran_out_is_taken_over_and_its_holder_cannot_end_it(case: Wired) -> None:
    killed = PostgresSyncQueue(case.database, lease=timedelta())
    put(case, CYCLE)
    lost = claimed(killed)
    taken = claimed(PostgresSyncQueue(case.database))
    assert taken.token != lost.token
    assert not killed.heartbeat(lost.token)
    assert not killed.done(lost)
    assert not killed.fail(lost.token, "too late")
    assert row(case)["lease_token"] == str(taken.token)


def test_a_heartbeat_prolongs_a_lease(case: Wired, queue: PostgresSyncQueue) -> None:
    put(case, CYCLE)
    claim = claimed(PostgresSyncQueue(case.database, lease=timedelta()))
    assert queue.heartbeat(claim.token)
    assert queue.claim() == []
    assert not queue.heartbeat(uuid4())


def test_failures_wait_longer_and_longer_and_new_usage_does_not_shorten_that(
    case: Wired, queue: PostgresSyncQueue
) -> None:
    put(case, CYCLE)
    pauses = []
    for number in range(10):
        assert queue.fail(claimed(queue).token, f"no answer {number}")
        pauses.append(seconds_to_due(case))
        with case.database.connection() as connection:
            connection.execute("UPDATE sync_queue SET due_at = now()")
    for number, pause in enumerate(pauses):
        assert -2 < pause <= min(5 * 2**number, 900)
    assert sum(pauses) > 60
    with case.database.connection() as connection:
        connection.execute("UPDATE sync_queue SET due_at = now() + interval '3000 seconds'")
    use(case, "k1")
    assert seconds_to_due(case) > 2900
    assert (row(case)["attempts"], row(case)["last_error"]) == (10, "no answer 9")


def test_only_what_waiting_does_not_mend_counts_against_a_cycle(
    case: Wired, queue: PostgresSyncQueue
) -> None:
    put(case, CYCLE)
    for refused in (False, True, False):
        queue.fail(claimed(queue).token, "no", refused=refused)
        with case.database.connection() as connection:
            connection.execute("UPDATE sync_queue SET due_at = now()")
    claim = claimed(queue)
    assert (claim.attempts, claim.refusals) == (3, 1)


def test_what_could_not_be_tried_comes_back_as_it_was(
    case: Wired, queue: PostgresSyncQueue
) -> None:
    put(case, CYCLE)
    claim = claimed(queue)
    assert queue.give_back(claim.token, timedelta(seconds=60))
    assert 58 < seconds_to_due(case) <= 120
    left = row(case)
    assert (left["attempts"], left["last_error"], left["lease_token"]) == (0, None, None)
    assert not queue.give_back(claim.token, timedelta(seconds=60))


def test_a_place_kept_for_urgent_ones_takes_no_other(case: Wired, queue: PostgresSyncQueue) -> None:
    put(case, "normal", due_in=-9)
    put(case, "high", priority=10)
    assert [(each.cycle, each.high) for each in queue.claim(9, high_only=True)] == [("high", True)]
    assert [(each.cycle, each.high) for each in queue.claim(9)] == [("normal", False)]


def test_a_parked_cycle_waits_for_a_person(case: Wired, queue: PostgresSyncQueue) -> None:
    put(case, CYCLE)
    queue.fail(claimed(queue).token, "refused", park=True)
    with case.database.connection() as connection:
        connection.execute("UPDATE sync_queue SET due_at = now()")
    use(case, "k1")
    assert queue.claim() == []
    (parked,) = queue.list(parked=True)
    assert (parked.cycle, parked.last_error, parked.attempts) == (CYCLE, "refused", 1)
    assert queue.counts().parked == 1
    assert queue.retry_parked(CYCLE) == 1
    assert queue.done(claimed(queue))


@pytest.mark.parametrize("parked", [False, True])
def test_a_person_can_ask_for_a_sync_now(
    case: Wired, queue: PostgresSyncQueue, parked: bool
) -> None:
    put(case, CYCLE, due_in=0)
    queue.fail(claimed(queue).token, "refused", park=parked)
    queue.mark(CYCLE, 5, jan(1))
    assert claimed(queue).dirty_position == 5


@pytest.mark.parametrize("position", [0, 5])
def test_asked_for_during_a_sync_it_comes_again_at_once(
    case: Wired, queue: PostgresSyncQueue, position: int
) -> None:
    put(case, CYCLE)
    claim = claimed(queue)
    queue.mark(CYCLE, position, jan(1))
    assert queue.claim() == []
    assert not queue.done(claim)
    again = claimed(queue)
    assert again.dirty_position == max(1, position)
    assert queue.done(again)


def test_the_queue_at_a_glance(case: Wired, queue: PostgresSyncQueue) -> None:
    for number in range(4):
        put(case, f"c{number}", due_in=-number)
    put(case, "later", due_in=60)
    first, second = queue.claim(2)
    queue.fail(first.token, "no answer")
    queue.fail(second.token, "refused", park=True)
    queue.claim()
    counts = queue.counts()
    assert (counts.waiting, counts.due, counts.leased) == (3, 1, 1)
    assert (counts.failing, counts.parked) == (1, 1)
    assert [each.cycle for each in queue.list(after="c1", limit=2)] == ["c2", "c3"]
