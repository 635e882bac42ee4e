"""``cyclebook schedules``, ``jobs`` and ``workers``: periodic work, and who does it."""

import sys
from typing import Any

import click

from api.cli.session import ACTOR, as_json, print_json, print_table, session
from api.http.schedules import job_json, schedule_json, worker_json
from api.schemas.schedules import JobSchema, ScheduleSchema, WorkerSchema


@click.command()
@click.argument("verb", type=click.Choice(["run"]), required=False)
@click.argument("name", required=False)
@as_json
def schedules(verb: str | None, name: str | None, as_json: bool) -> None:
    """Show periodic work: when it ran and runs next, and what came of it.

    With ``run NAME`` a worker does it now. Status 1 where one failed, did too little or is late.
    """
    if verb and not name:
        raise click.UsageError("say which: cyclebook schedules run NAME")
    with session() as wired:
        if name:
            click.echo(f"job {wired.schedules.run(name, ACTOR)}: a worker does it now")
            return
        rows: list[dict[str, Any]] = ScheduleSchema(many=True).dump(
            map(schedule_json, wired.schedules.list())
        )
    if as_json:
        print_json({"data": rows})
    else:
        heads = ["schedule", "cadence", "last run", "outcome", "expected>", "done>", "next run"]
        print_table([*heads, "error"], [_told(row) for row in rows])
    sys.exit(0 if all(row["well"] for row in rows) else 1)


@click.command()
@click.option("--retry", "job", type=int, help="Try a failed one again.")
@as_json
def jobs(job: int | None, as_json: bool) -> None:
    """Show runs that failed as often as they are tried. Status 1 where there are any."""
    with session() as wired:
        again = None if job is None else wired.schedules.retry(job, ACTOR)
        found = wired.schedules.jobs()
    rows: list[dict[str, Any]] = JobSchema(many=True).dump(map(job_json, found))
    if as_json:
        print_json({"retried": again, "data": rows})
    else:
        if again is not None:
            click.echo(f"job {again}: a worker does it now")
        names = ["job", "schedule", "status", "attempt", "at", "error"]
        print_table(names, [[row[name] for name in names] for row in rows])
    sys.exit(1 if rows else 0)


@click.command()
@click.option("--stopped", is_flag=True, help="Also those that stopped in order within a day.")
@as_json
def workers(stopped: bool, as_json: bool) -> None:
    """Show the worker processes.

    Status 1 where one fell silent and is not replaced, or a role is nobody's.
    """
    with session() as wired:
        found = wired.schedules.workers(stopped=stopped)
        missing = wired.monitoring.missing_roles()
    rows: list[dict[str, Any]] = WorkerSchema(many=True).dump(map(worker_json, found))
    if as_json:
        print_json({"data": rows, "missing": missing})
    else:
        heads = ["host", "pid>", "state", "heard of", "roles", "trouble"]
        print_table(heads, [_seen(row) for row in rows])
        if missing:
            click.echo(f"No worker does this: {', '.join(missing)}. Start one: cyclebook work")
    sys.exit(1 if missing or any(row["state"] == "silent" for row in rows) else 0)


def _told(row: dict[str, Any]) -> list[Any]:
    last = row["last"] or {}
    outcome = "late" if row["late"] else last.get("outcome", "")
    return [
        row["schedule"],
        row["cadence"] or "off",
        last.get("started_at"),
        outcome,
        last.get("expected"),
        last.get("done"),
        row["next_at"],
        last.get("error"),
    ]


def _seen(row: dict[str, Any]) -> list[Any]:
    trouble = [f"{each['name']}: {each['problem']}" for each in row["loops"] if each["problem"]]
    roles = ", ".join(row["roles"])
    return [row["host"], row["pid"], row["state"], row["beat_at"], roles, "; ".join(trouble)]
