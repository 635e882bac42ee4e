"""Feedback: "was this bill clear?", asked of whoever reads an invoice."""

from typing import Any

from api.auth import READERS, STAFF
from api.context import now, wired
from api.endpoint import principal
from api.openapi import ApiBook
from api.schemas.feedback import (
    FeedbackListQuery,
    FeedbackPageSchema,
    FeedbackSchema,
    NewFeedbackSchema,
)
from application.feedback import Feedback

book = ApiBook("feedback")


@book.op(
    "PUT",
    "/v1/invoices/<cycle>/feedback",
    roles=READERS,
    body=NewFeedbackSchema(),
    out=FeedbackSchema(),
    example={"clear": False, "comment": "What is a machine@1?"},
)
def give_feedback(cycle: str, body: dict[str, Any]) -> Feedback:
    """Say whether a bill was clear. The last answer of each key counts."""
    return wired().feedback.give(
        cycle, body["clear"], body["comment"], actor=principal().actor, at=now()
    )


@book.op("GET", "/v1/feedback", roles=STAFF, query=FeedbackListQuery(), out=FeedbackPageSchema())
def list_feedback(query: dict[str, Any]) -> dict[str, Any]:
    """What people thought of their bills, the newest first, with counts."""
    page = wired().feedback.list(
        query["organization"], query["clear"], query["cursor"], query["limit"]
    )
    cursor = page.next_cursor
    return {
        "data": page.data,
        "counts": page.counts,
        "next_cursor": None if cursor is None else str(cursor),
    }
