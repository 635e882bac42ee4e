"""What waits to reach Stripe, what failed and why; and trying again what was given up."""

from typing import Any

from api.auth import STAFF
from api.context import wired
from api.openapi import ApiBook
from api.schemas.syncs import RetriedSchema, SyncListQuery, SyncPageSchema
from application.projector import QueuedSync
from domain.errors import NotFound

book = ApiBook("syncs")

ALL = "/v1/syncs"


@book.op("GET", ALL, roles=STAFF, query=SyncListQuery(), out=SyncPageSchema())
def list_syncs(query: dict[str, Any]) -> dict[str, Any]:
    """The cycles whose drafts may be out of step, and what keeps them so."""
    after, limit = query["cursor"] or "", query["limit"]
    found = wired().sync_queue.list(parked=query["parked"], after=after, limit=limit + 1)
    page = found[:limit]
    return {
        "data": [sync_json(each) for each in page],
        "next_cursor": page[-1].cycle if len(found) > limit else None,
    }


@book.op("POST", f"{ALL}/<cycle>/retry", roles=STAFF, out=RetriedSchema())
def retry_sync(cycle: str) -> dict[str, int]:
    """Try a parked cycle again, now that somebody did what its error says."""
    if not wired().sync_queue.retry_parked(cycle):
        raise NotFound(f"no sync of {cycle} is parked", cycle=cycle)
    return {"retried": 1}


@book.op("POST", f"{ALL}/retry", roles=STAFF, out=RetriedSchema())
def retry_every_sync() -> dict[str, int]:
    """Try every parked cycle again."""
    return {"retried": wired().sync_queue.retry_parked()}


def sync_json(each: QueuedSync) -> dict[str, Any]:
    """A row of the queue, for people."""
    return {
        "cycle": each.cycle,
        "due_at": each.due_at,
        "urgent": each.priority > 0,
        "attempts": each.attempts,
        "under_way": each.leased,
        "parked": each.parked,
        "error": each.last_error,
        "failed_at": each.failed_at,
    }
