"""Schedules: their cadences, how they stand, and what becomes of a run."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from api.cron import after, before, is_cadence
from application.schedule_ports import BY_ITSELF, Asked, Tally
from application.schedules import SCHEDULES, Schedules, Standing, Times, cadences
from application.sweeping import ATTEMPTS_MAX, PAUSES, Sweep, Sweeping
from domain.errors import GatewayUnavailable, InvalidInput, NotFound, StoreUnavailable
from tests.memory_schedules import THEN, MemoryCrew, MemoryJobs, MemoryRuns

WORKER = UUID(int=1)
USUAL = cadences("", is_cadence)


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("", {}),
        (" ; ", {}),
        ("audit=0 2 * * *", {"audit": "0 2 * * *"}),
        ("audit = 0 2 * * 1-5 ; catch_up=off;", {"audit": "0 2 * * 1-5", "catch_up": None}),
        ("closing=OFF", {"closing": None}),
    ],
)
def test_cadences_are_the_usual_ones_but_those_that_are_set(
    text: str, changed: Mapping[str, str | None]
) -> None:
    assert cadences(text, is_cadence) == {**USUAL, **changed}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("audits=off", "there is no schedule 'audits'; there are closing, "),
        ("audit", "'' is no cadence for audit: give five fields of cron"),
        ("audit=daily", "'daily' is no cadence for audit"),
        ("audit=@daily", "is no cadence"),
        ("audit=* * * * * *", "is no cadence"),
        ("audit=61 * * * *", "is no cadence"),
        ("audit=0 0 31 2 *", "is no cadence"),
        ("audit=off;audit=off", "schedule audit is named twice"),
    ],
)
def test_a_cadence_that_cannot_be_kept_is_refused(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said.replace("*", r"\*")):
        cadences(text, is_cadence)


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InvalidInput) as refused:
        cadences("audt=0 2 * * *;audit=99 * * *;catch_up=off;catch_up=daily", is_cadence)
    said = str(refused.value)
    assert "there is no schedule 'audt'" in said and "'99 * * *' is no cadence for audit" in said
    assert "catch_up is named twice" in said and "'daily' is no cadence for catch_up" in said


def test_every_schedule_has_words_and_a_cadence_that_can_be_kept() -> None:
    assert len({each.name for each in SCHEDULES}) == len(SCHEDULES)
    for each in SCHEDULES:
        assert is_cadence(each.cadence) and each.words.endswith(".") and each.counts, each.name


def standing(runs: MemoryRuns, now: datetime, set_to: str = "audit=0 3 * * *") -> Standing:
    times = Times(after=after, before=before)
    known = cadences(set_to, is_cadence)
    use_case = Schedules(known, times, runs, MemoryJobs(), MemoryCrew(), lambda: now)
    (found,) = [each for each in use_case.list() if each.schedule.name == "audit"]
    return found


AT_THREE = datetime(2026, 1, 6, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ran_at", "now", "late"),
    [
        (THEN, AT_THREE - timedelta(hours=1), False),
        (THEN, AT_THREE + timedelta(minutes=4), False),
        (THEN, AT_THREE + timedelta(minutes=6), True),
        (AT_THREE + timedelta(seconds=1), AT_THREE + timedelta(hours=20), False),
        (None, AT_THREE, True),
    ],
)
def test_one_that_did_not_run_in_time_is_late(
    ran_at: datetime | None, now: datetime, late: bool
) -> None:
    runs = MemoryRuns()
    if ran_at is not None:
        runs.at = ran_at
        run = runs.begin(Asked(schedule="audit", job=1), WORKER)
        runs.end(run, "done", Tally(expected=1, done=1), None)
    found = standing(runs, now)
    assert (found.late, found.well) == (late, not late)
    assert found.next_at == after("0 3 * * *", now)
    off = standing(runs, now, "audit=off")
    assert (off.cadence, off.next_at, off.late) == (None, None, False)


def test_one_that_runs_every_minute_can_be_late() -> None:
    runs = MemoryRuns()
    runs.begin(Asked(schedule="audit", job=1), WORKER)
    assert not standing(runs, THEN + timedelta(minutes=5), "audit=* * * * *").late
    assert standing(runs, THEN + timedelta(minutes=7), "audit=* * * * *").late


def swept(sweep: Sweep, attempt: int = 1) -> tuple[MemoryRuns, MemoryJobs]:
    runs, jobs = MemoryRuns(), MemoryJobs()
    sweeping = Sweeping({"audit": sweep}, runs, jobs, WORKER, lambda: THEN)
    sweeping.carry_out(Asked(schedule="audit", job=7, attempt=attempt))
    return runs, jobs


@pytest.mark.parametrize(
    ("tally", "outcome", "error"),
    [
        (Tally(expected=0, done=0), "done", None),
        (Tally(expected=2, done=2), "done", None),
        (Tally(expected=2, done=1), "incomplete", "1 of 2 done"),
        (Tally(expected=2, done=2, problem="odd"), "incomplete", "2 of 2 done: odd"),
    ],
)
def test_what_a_run_came_to(tally: Tally, outcome: str, error: str | None) -> None:
    runs, jobs = swept(lambda now: tally)
    (run,) = runs.kept.values()
    assert (run.outcome, run.error, run.expected, run.done) == (
        outcome,
        error,
        tally.expected,
        tally.done,
    )
    assert jobs.told == ["audit settled"]


def away(now: datetime) -> Tally:
    raise GatewayUnavailable("silence")


@pytest.mark.parametrize("attempt", range(1, ATTEMPTS_MAX))
def test_what_fails_comes_again_after_a_pause(attempt: int) -> None:
    runs, jobs = swept(away, attempt)
    assert runs.kept[1].error == "gateway_unavailable: silence"
    pause = PAUSES[attempt - 1].total_seconds()
    assert jobs.told == [f"audit attempt {attempt + 1} in {pause:g} s"]


@pytest.mark.parametrize("attempt", [1, ATTEMPTS_MAX])
def test_an_outage_of_the_store_counts_no_attempt(attempt: int) -> None:
    def cut_off(now: datetime) -> Tally:
        raise StoreUnavailable("away")

    runs, jobs = swept(cut_off, attempt)
    assert runs.kept[1].error == "store_unavailable: away"
    assert jobs.told == [f"audit attempt {attempt} in 10 s"]


def test_the_error_of_a_run_is_never_empty() -> None:
    def broken(now: datetime) -> Tally:
        raise TimeoutError

    runs, _ = swept(broken)
    assert runs.kept[1].error == "TimeoutError"


def test_what_fails_the_last_time_is_told_to_the_queue() -> None:
    with pytest.raises(GatewayUnavailable):
        swept(away, ATTEMPTS_MAX)


def test_an_interrupted_run_is_left_to_others_with_its_attempt() -> None:
    runs, jobs = MemoryRuns(), MemoryJobs()
    asked = Asked(schedule="audit", job=7, attempt=2)
    sweeping = Sweeping({}, runs, jobs, WORKER, lambda: THEN)
    runs.begin(asked, WORKER)
    sweeping.interrupted(asked)
    assert runs.kept[1].outcome == "interrupted"
    assert jobs.told == ["audit attempt 2 in 5 s"]


@pytest.mark.parametrize(
    ("asked_by", "done"),
    [pytest.param(BY_ITSELF, 1, id="the clock"), pytest.param("ada", 2, id="a person")],
)
def test_what_a_person_asks_for_may_be_another_thing(asked_by: str, done: int) -> None:
    runs = MemoryRuns()

    def counting(count: int) -> Sweep:
        return lambda now: Tally(expected=count, done=count)

    sweeping = Sweeping(
        {"audit": counting(1), "answers": counting(1)},
        runs,
        MemoryJobs(),
        WORKER,
        lambda: THEN,
        by_hand={"audit": counting(2)},
    )
    for schedule in ("audit", "answers"):
        sweeping.carry_out(Asked(schedule=schedule, job=7, asked_by=asked_by))
    assert [run.done for run in runs.kept.values()] == [done, 1]


def test_what_is_no_schedule_is_not_found() -> None:
    times = Times(after=after, before=before)
    use_case = Schedules(USUAL, times, MemoryRuns(), MemoryJobs(), MemoryCrew(), lambda: THEN)
    with pytest.raises(NotFound, match="there is no schedule nothing"):
        use_case.run("nothing", "ada")
    with pytest.raises(NotFound, match="there is no schedule nothing"):
        use_case.runs("nothing")
    with pytest.raises(NotFound, match="no job 5 has failed"):
        use_case.retry(5, "ada")
    assert use_case.run("audit", "ada") == 1
