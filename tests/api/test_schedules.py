"""Schedules as people see them: over the API, on the command line, and by a worker that works."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from api.scheduled import telling_loop
from api.sweeps import sweeps, sweeps_by_hand
from api.wiring import Wired, clock
from api.worker import Work, loops
from application.schedule_ports import Asked, LoopSeen, Tally
from application.schedules import SCHEDULES
from application.sweeping import ATTEMPTS_MAX, Sweeping
from domain.errors import GatewayUnavailable
from tests.api.conftest import Caller
from tests.api.test_worker import acme_owes_something
from tests.scheduled import wait_until, working

Run = Callable[..., tuple[int, str, str]]
WORKER = uuid4()


@pytest.fixture
def execute(database_url: str) -> Callable[[str], int]:
    """Changes rows by hand; how many."""

    def change(statement: str) -> int:
        with psycopg.connect(database_url, autocommit=True) as connection:
            return connection.execute(statement.encode()).rowcount

    return change


def fine(now: datetime) -> Tally:
    return Tally(expected=0, done=0)


def ran(wired: Wired, schedule: str, outcome: str, error: str | None = None) -> None:
    """A run that is over."""
    asked = Asked(schedule=schedule, job=1)
    run = wired.scheduling.runs.begin(asked, WORKER)
    wired.scheduling.runs.end(run, outcome, Tally(expected=2, done=1), error)


def shown(admin: Caller, schedule: str) -> dict[str, object]:
    """One of the list."""
    rows = admin("GET", "/v1/schedules").json["data"]
    (found,) = [row for row in rows if row["schedule"] == schedule]
    assert isinstance(found, dict)
    return found


def test_every_schedule_has_its_sweep(wired: Wired) -> None:
    assert sweeps(wired).keys() == {each.name for each in SCHEDULES}


def test_the_guide_lists_every_schedule_with_its_cadence() -> None:
    guide = Path(__file__).parents[2] / "docs" / "how-to" / "schedules.md"
    rows = {f"| `{each.name}` | `{each.cadence}` | " for each in SCHEDULES}
    text = guide.read_text("utf-8")
    assert [row for row in rows if row not in text] == []


@pytest.mark.parametrize("schedule", [each.name for each in SCHEDULES])
def test_every_sweep_runs_where_there_is_nothing_to_do(wired: Wired, schedule: str) -> None:
    assert sweeps(wired)[schedule](datetime.now(UTC)) == Tally(expected=0, done=0)


def test_the_list_tells_how_each_stands(wired: Wired, admin: Caller) -> None:
    assert [row["schedule"] for row in admin("GET", "/v1/schedules").json["data"]] == [
        each.name for each in SCHEDULES
    ]
    new = shown(admin, "audit")
    assert (new["last"], new["cadence"], new["well"]) == (None, "0 3 * * *", False)
    ran(wired, "audit", "incomplete", "1 of 2 done")
    known = shown(admin, "audit")
    last = known["last"]
    assert isinstance(last, dict)
    told = [last[name] for name in ("outcome", "expected", "done", "error", "asked_by")]
    assert told == ["incomplete", 2, 1, "1 of 2 done", "schedule"]
    assert (known["late"], known["well"]) == (False, False)
    ran(wired, "audit", "done")
    assert shown(admin, "audit")["well"]


def test_its_runs_are_listed_page_by_page(wired: Wired, admin: Caller) -> None:
    for outcome in ("failed", "lost", "done"):
        ran(wired, "audit", outcome)
    page = admin("GET", "/v1/schedules/audit/runs?limit=2").json
    assert [row["outcome"] for row in page["data"]] == ["done", "lost"]
    rest = admin("GET", f"/v1/schedules/audit/runs?cursor={page['next_cursor']}").json
    assert [row["outcome"] for row in rest["data"]] == ["failed"]
    assert admin("GET", "/v1/schedules/audit/runs?cursor=x").status_code == 422
    assert admin("GET", "/v1/schedules/nothing/runs").status_code == 404


def test_one_that_is_asked_for_is_put_into_the_queue_once(admin: Caller) -> None:
    key = {"Idempotency-Key": "k1"}
    first = admin("POST", "/v1/schedules/audit/run", {}, headers=key)
    assert first.status_code == 202
    again = admin("POST", "/v1/schedules/audit/run", {}, headers=key)
    assert (again.json, again.headers["Idempotent-Replayed"]) == (first.json, "true")
    assert admin("POST", "/v1/schedules/audit/run", {}).json == first.json
    assert admin("POST", "/v1/schedules/nothing/run", {}).status_code == 404


def test_a_worker_makes_what_was_asked_for(wired: Wired, admin: Caller) -> None:
    admin("POST", "/v1/schedules/retention/run", {})
    work = Work(loops(wired, ["schedule"]))
    work.start()
    try:
        wait_until(lambda: {"key:" + admin.key[:11]} <= asked_by(wired, "retention"))
    finally:
        work.stop()
    assert work.join(10)


def asked_by(wired: Wired, schedule: str) -> set[str]:
    return {each.asked_by for each in wired.schedules.runs(schedule) if each.outcome == "done"}


def test_dead_jobs_are_listed_and_retried(wired: Wired, admin: Caller, run: Run) -> None:
    def broken(now: datetime) -> Tally:
        raise GatewayUnavailable("silence")

    asked = Asked(schedule="catch_up", job=1, attempt=ATTEMPTS_MAX)
    wired.scheduling.jobs.again(asked, timedelta())
    assert admin("GET", "/v1/jobs").json == {"data": []}
    every_sweep = dict.fromkeys(sweeps(wired), fine) | {"catch_up": broken}
    parts = wired.scheduling
    with working(parts.loop(Sweeping(every_sweep, parts.runs, parts.jobs, WORKER, clock))):
        wait_until(lambda: len(wired.schedules.jobs()) == 1)
    (dead,) = admin("GET", "/v1/jobs").json["data"]
    told = [dead[name] for name in ("schedule", "status", "attempt", "error")]
    assert told == ["catch_up", "failed", ATTEMPTS_MAX, "gateway_unavailable: silence"]
    status, said, _ = run("jobs")
    assert (status, "gateway_unavailable: silence" in said) == (1, True)
    assert admin("POST", f"/v1/jobs/{dead['job']}/retry").status_code == 202
    assert admin("POST", f"/v1/jobs/{dead['job']}/retry").status_code == 404
    assert admin("POST", "/v1/jobs/x/retry").status_code == 404
    assert run("jobs")[0] == 0


def test_workers_tell_of_themselves(wired: Wired, admin: Caller, run: Run) -> None:
    scheduler = [loop for loop in loops(wired, ["schedule"]) if loop.health.name == "scheduler"]
    telling = telling_loop(wired.scheduling.crew, WORKER, ["schedule"], scheduler)
    work = Work([telling])
    work.start()
    wait_until(lambda: bool(wired.schedules.workers()))
    (seen,) = admin("GET", "/v1/workers").json["data"]
    assert (seen["worker"], seen["roles"], seen["state"]) == (str(WORKER), ["schedule"], "working")
    names = [each["name"] for each in seen["loops"]]
    assert names[:3] == ["scheduler", "webhooks", "closing"]
    status, said, _ = run("workers")
    assert (status, "No worker does this: project, sync, notify." in said) == (1, True)
    work.stop()
    assert work.join(5)
    assert admin("GET", "/v1/workers").json["data"] == []
    newer = UUID(int=9)
    wired.scheduling.crew.beat(newer, ["project", "sync", "schedule", "notify"], [])
    assert run("workers")[0] == 0
    rows = admin("GET", "/v1/workers?stopped=true").json["data"]
    assert [row["state"] for row in rows] == ["working", "stopped"]
    assert ["stopped" in run("workers", *asked)[1] for asked in ([], ["--stopped"])] == [
        False,
        True,
    ]


def test_where_nobody_works_that_is_said_with_status_1(wired: Wired, run: Run) -> None:
    status, said, _ = run("workers")
    assert (status, "project, sync, schedule, notify. Start one" in said) == (1, True)
    assert json.loads(run("workers", "--json")[1]) == {
        "data": [],
        "missing": ["project", "sync", "schedule", "notify"],
    }


def test_a_worker_that_is_not_heard_of_is_silent(
    wired: Wired, execute: Callable[[str], int], run: Run
) -> None:
    trouble = LoopSeen(name="projector", steps=1, failures=2, problem="store_unavailable: away")
    wired.scheduling.crew.beat(WORKER, ["project"], [trouble])
    assert execute("UPDATE worker SET beat_at = now() - interval '1 minute'") == 1
    assert [each.state for each in wired.schedules.workers()] == ["silent"]
    status, said, _ = run("workers")
    assert (status, "projector: store_unavailable: away" in said) == (1, True)


@pytest.mark.parametrize(
    ("silent_for", "at_work", "state"),
    [
        pytest.param("14 minutes", ["project", "sync"], "silent", id="not for long"),
        pytest.param("16 minutes", ["project", "sync"], "replaced", id="others have its roles"),
        pytest.param("16 minutes", ["sync"], "silent", id="nobody has one of its roles"),
        pytest.param("16 minutes", [], "silent", id="nobody works"),
    ],
)
def test_a_silent_worker_is_a_trouble_until_others_have_its_roles(
    wired: Wired,
    execute: Callable[[str], int],
    run: Run,
    silent_for: str,
    at_work: list[str],
    state: str,
) -> None:
    crew = wired.scheduling.crew
    crew.beat(WORKER, ["project", "sync"], [])
    execute(f"UPDATE worker SET beat_at = now() - interval '{silent_for}'")
    crew.beat(UUID(int=99), ["schedule", "notify"], [])
    for number, role in enumerate(at_work):
        crew.beat(UUID(int=100 + number), [role], [])
    found = {each.id: each.state for each in wired.schedules.workers()}
    assert found[WORKER] == state
    assert run("workers")[0] == (1 if state == "silent" else 0)


def test_the_command_lists_and_runs_them(wired: Wired, run: Run) -> None:
    status, said, _ = run("schedules", "--json")
    rows = json.loads(said)["data"]
    assert (status, len(rows)) == (1, len(SCHEDULES))
    for each in SCHEDULES:
        ran(wired, each.name, "done")
    status, said, _ = run("schedules")
    assert (status, "*/3 * * * *" in said) == (0, True)
    status, said, _ = run("schedules", "run", "audit")
    assert (status, "a worker does it now" in said) == (0, True)
    assert run("schedules", "run", "nothing")[0] == 2
    assert run("schedules", "run")[0] == 2


def test_the_audit_of_the_day_counts_the_cycles_it_compared(
    wired: Wired, acme: str, execute: Callable[[str], int]
) -> None:
    execute("UPDATE cycle_head SET opened_at = now() - interval '2 days'")
    audit, now = sweeps(wired)["audit"], datetime.now(UTC)
    assert audit(now) == Tally(expected=1, done=1)
    assert audit(now) == Tally(expected=1, done=1)  # it was just made
    assert len(wired.reconciliations.list(None, 10)) == 1
    for made in (2, 3):  # whoever asks wants to know how it is now
        assert sweeps_by_hand(wired)["audit"](now) == Tally(expected=1, done=1)
        assert len(wired.reconciliations.list(None, 10)) == made


def test_closing_counts_what_is_left_behind(
    wired: Wired, acme: str, execute: Callable[[str], int]
) -> None:
    close, now = sweeps(wired)["closing"], datetime.now(UTC)
    assert close(now) == Tally(expected=0, done=0)
    execute("UPDATE cycle_head SET next_duty_at = now() - interval '1 hour'")
    assert close(now) == Tally(expected=1, done=1)


def test_final_syncs_are_spread_over_the_hours_before(
    wired: Wired, execute: Callable[[str], int]
) -> None:
    acme_owes_something(wired)
    (cycle,) = wired.books.cycle_names("acme")
    soon, late = "extract(epoch from now() + interval '1 hour') * 1e6", "now() + interval '1 day'"
    execute(f"UPDATE cycle_head SET ends = {soon}")
    wired.sync_queue.mark(cycle, 1, datetime.now(UTC) + timedelta(days=1))
    final = sweeps(wired)["final_syncs"]
    assert final(datetime.now(UTC)) == Tally(expected=1, done=1)
    (row,) = wired.sync_queue.list()
    assert row.due_at < datetime.now(UTC) + timedelta(hours=1)
    placed = row.due_at
    assert final(datetime.now(UTC)).done == 1
    assert wired.sync_queue.list()[0].due_at <= placed + timedelta(seconds=1)
    execute(f"UPDATE sync_queue SET parked = true, due_at = {late}")
    assert final(datetime.now(UTC)) == Tally(
        expected=1, done=0, problem="1 wait for a person: see cyclebook syncs --parked"
    )
    execute("UPDATE cycle_head SET ends = ends + 86400e6")
    assert final(datetime.now(UTC)) == Tally(expected=0, done=0)


def test_what_no_mark_asked_for_is_queued(wired: Wired, execute: Callable[[str], int]) -> None:
    acme_owes_something(wired)
    while wired.projector.step():
        pass
    execute("DELETE FROM sync_queue")
    marks = sweeps(wired)["sync_marks"]
    assert marks(datetime.now(UTC)) == Tally(expected=0, done=0)  # a mark may be on its way
    execute("UPDATE cyclebook_events SET recorded_at = recorded_at - interval '30 minutes'")
    assert marks(datetime.now(UTC)) == Tally(expected=1, done=1)
    assert [each.cycle for each in wired.sync_queue.list()] == wired.books.cycle_names("acme")
    assert marks(datetime.now(UTC)) == Tally(expected=0, done=0)
