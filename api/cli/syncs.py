"""``cyclebook syncs``: what waits to reach Stripe, what failed and why."""

import sys
from collections.abc import Sequence
from typing import Any

import click

from api.cli.session import as_json, print_json, print_table, session
from api.http.syncs import sync_json
from api.schemas.syncs import QueuedSyncSchema
from application.projector import QueuedSync
from domain.errors import NotFound

SHOWN_MAX = 200


@click.command()
@click.option("--parked", is_flag=True, help="Only those that wait for a person.")
@click.option("--retry", "cycle", metavar="CYCLE", help="Try a parked one again, or 'all'.")
@as_json
def syncs(parked: bool, cycle: str | None, as_json: bool) -> None:
    """Show the cycles whose drafts may be out of step, and what keeps them so.

    Status 1 where any is parked.
    """
    with session() as wired:
        queue = wired.sync_queue
        retried = queue.retry_parked(None if cycle == "all" else cycle) if cycle else 0
        if cycle and cycle != "all" and not retried:
            raise NotFound(f"no sync of {cycle} is parked")
        found = queue.list(parked=True if parked else None, limit=SHOWN_MAX)
        counts = queue.counts()
    if as_json:
        print_json({"retried": retried, "data": _rows(found)})
    else:
        if cycle:
            click.echo(f"{retried} to be tried again")
        if found:
            heads = ["cycle", "due", "tried in vain", "error"]
            print_table(heads, [_told(row) for row in _rows(found)])
        click.echo(f"{counts.waiting} waiting, {counts.failing} failing, {counts.parked} parked")
    sys.exit(1 if counts.parked else 0)


def _rows(found: Sequence[QueuedSync]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = QueuedSyncSchema(many=True).dump(map(sync_json, found))
    return rows


def _told(row: dict[str, Any]) -> list[Any]:
    due = "parked" if row["parked"] else "under way" if row["under_way"] else row["due_at"]
    return [row["cycle"], due, row["attempts"], row["error"] or ""]
