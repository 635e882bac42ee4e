"""E-mails that are not sent: listed, sent again, or left unsent."""

from dataclasses import asdict
from typing import Any

from api.auth import STAFF
from api.context import wired
from api.endpoint import principal
from api.openapi import ApiBook
from api.schemas.mails import (
    DropMailsSchema,
    DroppedMailsSchema,
    MailPageSchema,
    MailQuery,
    RetriedMailsSchema,
    RetryMailsSchema,
)

book = ApiBook("e-mails")

ALL = "/v1/mails"


@book.op("GET", ALL, roles=STAFF, query=MailQuery(), out=MailPageSchema())
def list_mails(query: dict[str, Any]) -> dict[str, Any]:
    """E-mails to members that wait or were given up, each with the reason; `?status=`."""
    limit = query["limit"]
    found = wired().mails.list(query["status"], query["cursor"], limit + 1)
    page = found[:limit]
    return {
        "data": [asdict(each) for each in page],
        "next_cursor": str(page[-1].number) if len(found) > limit else None,
    }


@book.op(
    "POST",
    f"{ALL}/retry",
    roles=STAFF,
    body=RetryMailsSchema(),
    out=RetriedMailsSchema(),
    also=frozenset({404}),
    example={"numbers": [7]},
)
def retry_mails(body: dict[str, Any]) -> dict[str, int]:
    """Send e-mails that were given up once more, all of them or some."""
    return {"retried": wired().mails.retry(body.get("numbers"))}


@book.op(
    "POST",
    f"{ALL}/drop",
    roles=STAFF,
    body=DropMailsSchema(),
    out=DroppedMailsSchema(),
    also=frozenset({404}),
    example={"numbers": [7], "reason": "she has left, and nobody took over"},
)
def drop_mails(body: dict[str, Any]) -> dict[str, int]:
    """Leave e-mails unsent, with a reason; they stay listed for 30 days."""
    actor = principal().actor
    return {"dropped": wired().mails.drop(body["numbers"], body["reason"], actor=actor)}
