"""Jobs of schedules while the database is away: nothing is given up for that, nothing is silent."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import psycopg
import pytest

from application.recovering import Recovering
from application.schedule_ports import Asked, Tally
from application.sweeping import ATTEMPTS_MAX
from domain.errors import GatewayUnavailable, StoreUnavailable
from tests.rabbitmq.relay import Relay, relay_to_database
from tests.scheduled import QUICKLY, Desk, desk, wait_until, working

Sweep = Callable[[datetime], Tally]


@pytest.fixture
def relayed(each_database_url: str) -> Iterator[tuple[Relay, Desk]]:
    """A worker whose way to the database can be cut, while that of its queue stays whole."""
    with (
        relay_to_database(each_database_url) as (relay, store),
        desk(each_database_url, store=store) as made,
    ):
        yield relay, made


def fine(now: datetime) -> Tally:
    return Tally(expected=3, done=3)


def refused(now: datetime) -> Tally:
    raise GatewayUnavailable("silence")


def away(now: datetime) -> Tally:
    raise StoreUnavailable("it is away")


def states(made: Desk) -> list[str]:
    """Of the jobs in the queue, by a way that is never cut."""
    with psycopg.connect(made.url) as connection:
        rows = connection.execute("SELECT status::text FROM procrastinate_jobs ORDER BY id")
        return [str(status) for (status,) in rows]


def ended(made: Desk) -> list[tuple[str, int]]:
    """The runs that are over: outcome and attempt."""
    return [(each.outcome, each.attempt) for each in made.log() if each.ended_at is not None]


class Gate:
    """A sweep that stands still until it may go on as another one does."""

    def __init__(self, then: Sweep) -> None:
        self.begun, self.go, self.then = threading.Event(), threading.Event(), then

    def __call__(self, now: datetime) -> Tally:
        self.begun.set()
        assert self.go.wait(60)
        return self.then(now)


@pytest.mark.parametrize("attempt", [1, ATTEMPTS_MAX])
def test_a_run_that_could_not_begin_is_made_when_the_store_is_back(
    relayed: tuple[Relay, Desk], attempt: int
) -> None:
    relay, made = relayed
    made.jobs.again(Asked(schedule="audit", job=0, attempt=attempt), timedelta())
    relay.cut()
    with working(*made.loops({"audit": fine})):
        wait_until(lambda: states(made) == ["failed"])
        relay.mend()
        wait_until(lambda: states(made) == [])
    assert ended(made) == [("done", attempt)]
    assert made.jobs.dead() == []


@pytest.mark.parametrize("attempt", [1, ATTEMPTS_MAX])
@pytest.mark.parametrize("then", [fine, refused, away])
def test_a_run_whose_end_could_not_be_told_is_made_again(
    relayed: tuple[Relay, Desk], then: Sweep, attempt: int
) -> None:
    relay, made = relayed
    made.crew.beat(made.worker, ["schedule"], [])
    made.jobs.again(Asked(schedule="audit", job=0, attempt=attempt), timedelta())
    gate = Gate(then)
    with working(*made.loops({"audit": gate})):
        assert gate.begun.wait(20)
        relay.cut()
        gate.go.set()
        wait_until(lambda: states(made) == ["failed"])
        gate.then = fine
        relay.mend()
        wait_until(lambda: states(made) == [])
    assert ended(made) == [("lost", attempt), ("done", attempt)]
    assert made.jobs.dead() == []


def test_a_run_that_could_not_be_handed_over_is_made_again_by_another(
    relayed: tuple[Relay, Desk],
) -> None:
    relay, made = relayed
    made.jobs.ask("audit", "ada")
    gate = Gate(fine)
    with working(*made.loops({"audit": gate}, drain=timedelta(milliseconds=100))):
        assert gate.begun.wait(20)
        relay.cut()
    relay.mend()
    with working(*made.loops({"audit": fine})):
        wait_until(lambda: states(made) == [])
    assert [outcome for outcome, _ in ended(made)] == ["lost", "done"]
    gate.go.set()


def test_while_it_waits_to_be_made_again_it_is_listed_as_that(
    relayed: tuple[Relay, Desk],
) -> None:
    relay, made = relayed
    made.jobs.ask("audit", "ada")
    relay.cut()
    with working(made.loops({"audit": fine})[0]):
        wait_until(lambda: states(made) == ["failed"])
    relay.mend()
    wait_until(lambda: [each.status for each in dead(made)] == ["stalled"])
    assert [each.error for each in dead(made)] == [
        "the database was away when it should have been noted; made again by itself"
    ]


def test_an_outage_through_which_a_worker_lives_is_no_reason_to_give_up(
    each_database_url: str,
) -> None:
    """Its queue is cut off as well: the job is taken for one whose worker died."""
    with (
        relay_to_database(each_database_url) as (relay, store),
        desk(each_database_url, QUICKLY) as watching,
        desk(store) as made,
    ):
        made.jobs.again(Asked(schedule="audit", job=0, attempt=ATTEMPTS_MAX), timedelta())
        gate = Gate(fine)
        schedules, _ = made.loops({"audit": gate})
        with working(schedules):
            assert gate.begun.wait(20)
            relay.cut()
            wait_until(lambda: schedules.health.failures > 0)
            watching.crew.beat(made.worker, ["schedule"], [])
            wait_until(lambda: watching.jobs.recover() > 0)
            assert ended(watching) == [("lost", ATTEMPTS_MAX)]
            gate.go.set()
            relay.mend()
            wait_until(lambda: states(watching) == [])
        assert ended(watching) == [("lost", ATTEMPTS_MAX), ("done", ATTEMPTS_MAX)]


def test_after_an_outage_nobody_is_taken_for_dead_before_all_could_say_that_they_live(
    relayed: tuple[Relay, Desk],
) -> None:
    relay, made = relayed
    asked = Asked(schedule="audit", job=0, attempt=ATTEMPTS_MAX)
    made.jobs.again(asked, timedelta())
    made.crew.beat(made.worker, ["schedule"], [])
    with psycopg.connect(made.url) as connection:
        (job,) = connection.execute(
            "UPDATE procrastinate_jobs SET status = 'doing' RETURNING id"
        ).fetchall()[0]
        made.runs.begin(replace(asked, job=job), made.worker)
        connection.execute("UPDATE worker SET beat_at = now() - interval '1 hour'")
    recovering = Recovering(made.jobs)
    assert not recovering.step()
    relay.cut()
    assert not stepped(recovering)
    relay.mend()
    wait_until(lambda: stepped(recovering))
    assert states(made) == ["doing"]

    made.crew.beat(made.worker, ["schedule"], [])
    assert recovering.step()

    assert (states(made), ended(made)) == (["todo"], [("lost", ATTEMPTS_MAX)])


def stepped(recovering: Recovering) -> bool:
    """Whether the store answered."""
    try:
        recovering.step()
    except StoreUnavailable:
        return False
    return True


def dead(made: Desk) -> list[object]:
    """What is listed, once the store answers."""
    try:
        return list(made.jobs.dead())
    except StoreUnavailable:
        return []
