"""What came in messages and could not be recorded: listed, recorded again, or given up."""

from typing import Any

from api.auth import STAFF
from api.context import now, wired
from api.endpoint import principal
from api.openapi import ApiBook
from api.schemas.dead_letters import (
    DeadLetterPageSchema,
    DeadLetterQuery,
    DroppedSchema,
    DropSchema,
    ReplayedSchema,
    ReplaySchema,
)
from application.dead_letters import DeadLetter, LettersReplayed
from domain.usage import Outcome

book = ApiBook("dead letters")

ALL = "/v1/dead-letters"


@book.op("GET", ALL, roles=STAFF, query=DeadLetterQuery(), out=DeadLetterPageSchema())
def list_dead_letters(query: dict[str, Any]) -> dict[str, Any]:
    """Messages from RabbitMQ, or records of them, that could not be recorded."""
    page = wired().dead_letters.list(query["status"], query["cursor"], query["limit"])
    return {"data": [letter_json(each) for each in page.data], "next_cursor": page.next_cursor}


@book.op(
    "POST",
    f"{ALL}/replay",
    roles=STAFF,
    body=ReplaySchema(),
    out=ReplayedSchema(),
    also=frozenset({404}),
    example={"ids": [7], "reason": "the clock of fra-7 is right now"},
)
def replay_dead_letters(body: dict[str, Any]) -> dict[str, int]:
    """Record dead letters again, all open ones or some, with a reason."""
    letters, actor = wired().dead_letters, principal().actor
    return replayed_json(letters.replay(body.get("ids"), body["reason"], actor=actor, now=now()))


@book.op(
    "POST",
    f"{ALL}/drop",
    roles=STAFF,
    body=DropSchema(),
    out=DroppedSchema(),
    also=frozenset({404}),
    example={"ids": [7], "reason": "a test of the meter"},
)
def drop_dead_letters(body: dict[str, Any]) -> dict[str, int]:
    """Give dead letters up, with a reason; they stay listed."""
    actor = principal().actor
    return {"dropped": wired().dead_letters.drop(body["ids"], body["reason"], actor=actor)}


def letter_json(each: DeadLetter) -> dict[str, Any]:
    """A dead letter, for people."""
    return {
        "id": each.id,
        "code": each.code,
        "detail": each.detail,
        "index": each.index,
        "content_type": each.content_type,
        "beginning": each.beginning.decode(errors="replace"),
        "size": each.size,
        "exchange": each.exchange,
        "routing_key": each.routing_key,
        "times": each.times,
        "first_at": each.first_at,
        "last_at": each.last_at,
        "status": each.status,
        "resolved_at": each.resolved_at,
        "resolution": each.resolution,
        "resolved_by": each.resolved_by,
    }


def replayed_json(done: LettersReplayed) -> dict[str, int]:
    """What a replay came to, in numbers."""
    return {
        "replayed": done.replayed,
        "still_dead": done.still_dead,
        "accepted": done.outcomes[Outcome.ACCEPTED],
        "duplicates": done.outcomes[Outcome.DUPLICATE],
        "conflicts": done.outcomes[Outcome.CONFLICT],
        "quarantined": done.outcomes[Outcome.QUARANTINED],
    }
