"""Periodic work: when it runs, what came of it, what failed for good, and who works."""

from dataclasses import asdict
from typing import Any

from api.auth import STAFF
from api.context import wired
from api.endpoint import principal
from api.openapi import ApiBook
from api.schemas.schedules import (
    JobAskedSchema,
    JobListSchema,
    RunListQuery,
    RunPageSchema,
    RunRequestSchema,
    ScheduleListSchema,
    WorkerListQuery,
    WorkerListSchema,
)
from application.schedule_ports import DeadJob, Run, WorkerSeen
from application.schedules import Standing
from domain.errors import InvalidInput, NotFound

book = ApiBook("schedules")

ALL = "/v1/schedules"
NUMBER_DIGITS_MAX = 18


@book.op("GET", ALL, roles=STAFF, out=ScheduleListSchema())
def list_schedules() -> dict[str, Any]:
    """Every kind of periodic work: when it ran last and runs next, and what came of it."""
    return {"data": [schedule_json(each) for each in wired().schedules.list()]}


@book.op(
    "POST",
    f"{ALL}/<schedule>/run",
    roles=STAFF,
    body=RunRequestSchema(),
    out=JobAskedSchema(),
    status=202,
    keyed=True,
    example={},
)
def run_schedule(schedule: str, body: dict[str, Any]) -> dict[str, str]:
    """Have a worker do it now, or as soon as the run under way is over."""
    return {"job": str(wired().schedules.run(schedule, principal().actor))}


@book.op("GET", f"{ALL}/<schedule>/runs", roles=STAFF, query=RunListQuery(), out=RunPageSchema())
def list_schedule_runs(schedule: str, query: dict[str, Any]) -> dict[str, Any]:
    """What became of its runs, the newest first; kept for 30 days."""
    cursor, limit = query["cursor"], query["limit"]
    if cursor is not None and not _is_number(cursor):
        raise InvalidInput("not a cursor of this list", field="cursor")
    before = None if cursor is None else int(cursor)
    found = wired().schedules.runs(schedule, before, limit + 1)
    page = found[:limit]
    return {
        "data": [run_json(each) for each in page],
        "next_cursor": str(page[-1].id) if len(found) > limit else None,
    }


@book.op("GET", "/v1/jobs", roles=STAFF, out=JobListSchema())
def list_jobs() -> dict[str, Any]:
    """Runs that failed as often as they are tried, and those whose worker is gone."""
    return {"data": [job_json(each) for each in wired().schedules.jobs()]}


@book.op("POST", "/v1/jobs/<job>/retry", roles=STAFF, out=JobAskedSchema(), status=202)
def retry_job(job: str) -> dict[str, str]:
    """Try again what failed for good."""
    if not _is_number(job):
        raise NotFound(f"no job {job} has failed")
    return {"job": str(wired().schedules.retry(int(job), principal().actor))}


@book.op("GET", "/v1/workers", roles=STAFF, query=WorkerListQuery(), out=WorkerListSchema())
def list_workers(query: dict[str, Any]) -> dict[str, Any]:
    """The processes that do what goes on by itself, and how each of their loops is doing."""
    found = wired().schedules.workers(stopped=query["stopped"])
    return {"data": [worker_json(each) for each in found]}


def schedule_json(each: Standing) -> dict[str, Any]:
    """A schedule, for people."""
    return {
        "schedule": each.schedule.name,
        "words": each.schedule.words,
        "counts": each.schedule.counts,
        "cadence": each.cadence,
        "next_at": each.next_at,
        "late": each.late,
        "well": each.well,
        "last": None if each.last is None else run_json(each.last),
    }


def run_json(each: Run) -> dict[str, Any]:
    """A run, for people."""
    return asdict(each) | {"run": each.id, "worker": str(each.worker)}


def job_json(each: DeadJob) -> dict[str, Any]:
    """A dead job, for people."""
    return asdict(each) | {"job": each.id}


def worker_json(each: WorkerSeen) -> dict[str, Any]:
    """A worker, for people."""
    return asdict(each) | {"worker": str(each.id)}


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= NUMBER_DIGITS_MAX
