"""Jobs of schedules: made once, one at a time, again after trouble, and never lost."""

import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import datetime, timedelta

import psycopg
import pytest

from adapters.jobs.queue import ProcrastinateJobs
from adapters.jobs.runner import JobRunner
from application.schedule_ports import BY_ITSELF, Asked, Tally
from application.schedules import SCHEDULES
from application.sweeping import ATTEMPTS_MAX
from domain.errors import GatewayUnavailable, StoreUnavailable
from tests.scheduled import Desk, desk, wait_until, working

NOW = timedelta()


@pytest.fixture
def made(each_database_url: str) -> Iterator[Desk]:
    with desk(each_database_url) as found:
        yield found


def fine(now: datetime) -> Tally:
    return Tally(expected=3, done=3)


def broken(now: datetime) -> Tally:
    raise GatewayUnavailable("silence")


def jobs_left(made: Desk) -> list[tuple[str, str]]:
    """What is in the queue: task and state."""
    with psycopg.connect(made.url) as connection:
        rows = connection.execute(
            "SELECT task_name, status::text FROM procrastinate_jobs ORDER BY id"
        )
        return [(str(task), str(status)) for task, status in rows]


def outcomes(made: Desk) -> list[str]:
    return [each.outcome for each in made.log()]


def test_what_is_asked_for_is_made_and_told(made: Desk) -> None:
    made.jobs.ask("audit", "ada")
    with working(*made.loops({"audit": fine})):
        wait_until(lambda: outcomes(made) == ["done"])
        wait_until(lambda: not jobs_left(made))
    (run,) = made.log()
    assert (run.expected, run.done, run.error, run.attempt, run.asked_by) == (3, 3, None, 1, "ada")
    assert run.ended_at is not None and run.started_at <= run.ended_at


def test_less_done_than_expected_is_no_silent_success(made: Desk) -> None:
    made.jobs.ask("audit", "ada")
    less = lambda now: Tally(expected=3, done=2, problem="c is parked")  # noqa: E731
    with working(*made.loops({"audit": less})):
        wait_until(lambda: outcomes(made) == ["incomplete"])
    assert made.log()[0].error == "2 of 3 done: c is parked"


def test_what_waits_already_is_brought_forward(made: Desk) -> None:
    made.jobs.again(Asked(schedule="audit", job=1, attempt=3), timedelta(hours=1))
    first = made.jobs.ask("audit", "ada")
    assert made.jobs.ask("audit", "bob") == first
    assert jobs_left(made) == [("audit", "todo")]
    with working(*made.loops({"audit": fine})):
        wait_until(lambda: outcomes(made) == ["done"])
    (run,) = made.log()
    assert (run.attempt, run.asked_by) == (1, "bob")


def test_a_second_one_leaves_the_callers_transaction_alone(made: Desk) -> None:
    with made.database.connection() as connection:
        mine = ProcrastinateJobs(lambda: nullcontext(connection), ATTEMPTS_MAX)
        with connection.transaction():
            connection.execute("CREATE TABLE beside (n int)")
            mine.ask("audit", "ada")
            mine.ask("audit", "ada")
            connection.execute("INSERT INTO beside VALUES (1)")
        assert connection.execute("SELECT n FROM beside").fetchall() == [(1,)]
        connection.execute("DROP TABLE beside")


def test_one_schedule_never_runs_twice_at_once_however_many_work(made: Desk) -> None:
    lock, inside, most, begun, go = threading.Lock(), [0], [0], [], threading.Event()

    def sweep(now: datetime) -> Tally:
        with lock:
            inside[0] += 1
            begun.append(inside[0])
            most[0] = max(most[0], inside[0])
        go.wait(10)
        with lock:
            inside[0] -= 1
        return fine(now)

    made.jobs.ask("audit", "ada")
    sweeps = {"audit": sweep, "answers": fine}
    with working(*made.loops(sweeps), *made.loops(sweeps)):
        wait_until(lambda: len(begun) == 1)
        made.jobs.ask("audit", "bob")  # while it runs: comes after it
        made.jobs.ask("answers", "bob")  # another one need not wait
        wait_until(lambda: [each.outcome for each in made.log("answers")] == ["done"])
        assert len(begun) == 1
        go.set()
        wait_until(lambda: outcomes(made) == ["done", "done"])
    assert most == [1]


def test_a_time_that_has_come_is_run_once_by_many_schedulers(made: Desk) -> None:
    cadences = {"audit": "0 0 1 * *", "answers": None}
    sweeps = {"audit": fine, "answers": fine}
    for _ in range(2):  # begun again, they know what they have done
        with working(*made.loops(sweeps, cadences), *made.loops(sweeps, cadences)):
            made.jobs.ask("answers", "ada")
            wait_until(lambda: outcomes(made) == ["done"])
            wait_until(lambda: not jobs_left(made))
    (run,) = made.log()
    assert run.asked_by == BY_ITSELF
    assert {each.asked_by for each in made.log("answers")} == {"ada"}


def test_every_schedule_is_run_once_at_its_time_by_many_schedulers(made: Desk) -> None:
    names = [each.name for each in SCHEDULES]
    sweeps, cadences = dict.fromkeys(names, fine), dict.fromkeys(names, "0 0 1 * *")
    with working(*made.loops(sweeps, cadences), *made.loops(sweeps, cadences)):
        wait_until(lambda: made.runs.latest().keys() == set(names))
        wait_until(lambda: not jobs_left(made))
    runs = [each for name in names for each in made.log(name)]
    assert [(each.schedule, each.outcome) for each in runs] == [(name, "done") for name in names]


def test_what_fails_comes_again_and_at_last_is_dead_until_retried(made: Desk) -> None:
    sweeps: dict[str, Callable[[datetime], Tally]] = {"audit": broken}
    made.jobs.ask("audit", "ada")
    with working(*made.loops(sweeps)):
        wait_until(lambda: outcomes(made) == ["failed"])
        wait_until(lambda: jobs_left(made) == [("audit", "todo")])
    assert made.jobs.dead() == []
    for _ in range(2):  # however often it is given up, one is told of
        made.jobs.again(Asked(schedule="audit", job=1, attempt=ATTEMPTS_MAX), NOW)
        with working(*made.loops(sweeps)):
            wait_until(lambda: jobs_left(made) == [("audit", "failed")])
    (dead,) = made.jobs.dead()
    assert (dead.schedule, dead.status, dead.attempt) == ("audit", "failed", ATTEMPTS_MAX)
    assert dead.error == "gateway_unavailable: silence"
    assert made.jobs.retry(dead.id + 1000, "bob") is None
    sweeps["audit"] = fine
    assert made.jobs.retry(dead.id, "bob") is not None
    with working(*made.loops(sweeps)):
        wait_until(lambda: outcomes(made)[-1] == "done")
    assert (made.log()[-1].asked_by, made.jobs.dead()) == ("bob", [])


def test_a_run_that_does_not_end_in_time_is_left_to_another(made: Desk) -> None:
    go, begun = threading.Event(), threading.Event()

    def slow(now: datetime) -> Tally:
        begun.set()
        go.wait(20)
        return fine(now)

    made.jobs.ask("audit", "ada")
    with working(*made.loops({"audit": slow}, drain=timedelta(milliseconds=100))):
        assert begun.wait(10)
    assert outcomes(made) == ["interrupted"]
    with working(*made.loops({"audit": fine})):
        wait_until(lambda: outcomes(made) == ["interrupted", "done"])
    go.set()
    assert made.log()[-1].asked_by == "ada"


def test_it_works_on_after_the_loss_of_every_connection(made: Desk) -> None:
    def ask() -> bool:
        try:
            return made.jobs.ask("audit", "ada") > 0
        except StoreUnavailable:
            return False

    loops = made.loops({"audit": fine})
    with working(*loops):
        wait_until(ask)
        wait_until(lambda: outcomes(made) == ["done"])
        with psycopg.connect(made.url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        wait_until(ask)
        wait_until(lambda: outcomes(made) == ["done", "done"])
    assert [each.health.problem for each in loops[:1]] == [None]


def test_it_ends_at_once_though_the_database_does_not_answer() -> None:
    runner = JobRunner(
        "host=127.0.0.1 port=1 dbname=none", {}, lambda asked: None, lambda asked: None
    )
    stop, ended = threading.Event(), threading.Event()

    def run() -> None:
        runner.run(stop)
        ended.set()

    threading.Thread(target=run, daemon=True).start()
    assert not ended.wait(0.2)
    stop.set()
    assert ended.wait(5)


def taken(made: Desk) -> int:
    """The one job, under way at a worker that is not heard of."""
    with psycopg.connect(made.url, autocommit=True) as connection:
        worker = connection.execute("SELECT * FROM procrastinate_register_worker_v1()").fetchone()
        assert worker is not None
        connection.execute(
            "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'"
        )
        job = connection.execute(
            "SELECT id FROM procrastinate_fetch_job_v2(NULL, %s)", [worker[0]]
        ).fetchone()
        assert job is not None
        return int(job[0])


def test_a_job_whose_worker_is_gone_is_made_again_beside_one_that_waits(made: Desk) -> None:
    made.jobs.ask("audit", "ada")
    job = taken(made)
    run = made.runs.begin(Asked(schedule="audit", job=job, asked_by="ada"), made.worker)
    made.jobs.ask("audit", "bob")
    (dead,) = made.jobs.dead()
    told = (dead.id, dead.status, dead.error)
    assert told == (job, "stalled", "its worker is not heard of; made again by itself")
    assert (made.jobs.recover(), made.jobs.recover()) == (1, 0)
    assert jobs_left(made) == [("audit", "todo")]
    assert [(each.id, each.outcome) for each in made.log()] == [(run, "lost")]


def test_a_job_that_kills_its_workers_is_given_up(made: Desk) -> None:
    made.jobs.again(Asked(schedule="audit", job=1, attempt=ATTEMPTS_MAX), NOW)
    job = taken(made)
    made.runs.begin(Asked(schedule="audit", job=job, attempt=ATTEMPTS_MAX), made.worker)
    assert made.jobs.recover() == 1
    (dead,) = made.jobs.dead()
    told = (dead.id, dead.status, dead.error)
    assert told == (job, "failed", "its worker was not heard of any more")


def test_a_run_that_ended_is_not_made_again_though_its_worker_could_not_say_so(made: Desk) -> None:
    made.jobs.ask("audit", "ada")
    job = taken(made)
    run = made.runs.begin(Asked(schedule="audit", job=job), made.worker)
    made.runs.end(run, "done", Tally(expected=1, done=1), None)
    with psycopg.connect(made.url, autocommit=True) as connection:  # the worker itself lives
        connection.execute("UPDATE procrastinate_workers SET last_heartbeat = now() + '1 hour'")
    assert made.jobs.recover() == 0
    with psycopg.connect(made.url, autocommit=True) as connection:
        connection.execute("UPDATE schedule_run SET ended_at = now() - interval '1 hour'")
    assert made.jobs.recover() == 1
    assert (jobs_left(made), outcomes(made)) == ([], ["done"])


def test_what_is_old_is_forgotten_but_nothing_that_waits_or_tells_the_last(made: Desk) -> None:
    for _ in range(2):
        run = made.runs.begin(Asked(schedule="audit", job=1), made.worker)
        made.runs.end(run, "done", Tally(expected=1, done=1), None)
    made.jobs.again(Asked(schedule="audit", job=1, attempt=ATTEMPTS_MAX), NOW)
    with working(*made.loops({"audit": broken})):
        wait_until(lambda: jobs_left(made) == [("audit", "failed")])
    made.jobs.ask("audit", "ada")
    assert made.jobs.forget(timedelta(hours=1)) == 0
    assert (made.jobs.forget(NOW), jobs_left(made)) == (1, [("audit", "todo")])
    assert (made.runs.forget(NOW), outcomes(made)) == (2, ["failed"])
