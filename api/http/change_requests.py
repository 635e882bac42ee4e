"""Changes by hand that wait for a second person: seen, approved, turned down."""

from typing import Any

from api.auth import STAFF
from api.context import now, wired
from api.endpoint import principal
from api.openapi import ApiBook
from api.schemas.change_requests import (
    ChangeRequestPageSchema,
    ChangeRequestQuery,
    ChangeRequestSchema,
    RejectionSchema,
    SecondPersonSchema,
)
from api.second_person import approve
from application.kept_changes import ChangeRequest

book = ApiBook("change requests")

ALL = "/v1/change-requests"
ONE = f"{ALL}/<change_request>"
DECISION: dict[str, Any] = {"roles": STAFF, "out": ChangeRequestSchema(), "keyed": True}


@book.op("GET", ALL, roles=STAFF, query=ChangeRequestQuery(), out=ChangeRequestPageSchema())
def list_change_requests(query: dict[str, Any]) -> dict[str, Any]:
    """Changes that waited for a second person, the newest first."""
    limit = query["limit"]
    found = wired().change_requests.list(query["state"], query["cursor"], limit + 1)
    page = found[:limit]
    return {
        "data": [request_json(each) for each in page],
        "next_cursor": page[-1].id if len(found) > limit else None,
    }


@book.op("GET", ONE, roles=STAFF, out=ChangeRequestSchema())
def get_change_request(change_request: str) -> dict[str, Any]:
    """One of them, with what it would do as it was last shown."""
    return request_json(wired().change_requests.get(change_request))


@book.op(
    "POST",
    f"{ONE}/approve",
    body=SecondPersonSchema(),
    example={"reason": "agreed with sales"},
    also=frozenset({502}),
    **DECISION,
)
def approve_change(change_request: str, body: dict[str, Any]) -> dict[str, Any]:
    """Carry out what somebody else asked for, as of when it was asked.

    With ``digest``, only if that is what you have seen. If it would do something else by now it is
    refused with ``changed_since``, which shows what; approved again it is carried out as it is now.
    The log names both people.
    """
    answer = approve(change_request, principal(), **body)
    return request_json(wired().change_requests.get(change_request)) | {"answer": answer}


@book.op(
    "POST",
    f"{ONE}/reject",
    body=RejectionSchema(),
    example={"reason": "the customer was credited in October"},
    **DECISION,
)
def reject_change(change_request: str, body: dict[str, Any]) -> dict[str, Any]:
    """Turn a change down. Whoever asked may take it back so."""
    found = wired().change_requests.reject(change_request, body["reason"], actor=principal().actor)
    return request_json(found)


def request_json(each: ChangeRequest) -> dict[str, Any]:
    """A change request, for people."""
    return {
        "change_request": each.id,
        "state": each.state(now()),
        "operation": each.asked.operation,
        "path": each.asked.path,
        "query": each.asked.query,
        "body": each.asked.body,
        "asked_by": each.actor,
        "asked_at": each.asked_at,
        "expires_at": each.expires_at,
        "amount": each.stake.amount,
        "limit": each.above,
        "currency": each.stake.currency,
        "differences": each.stake.differences,
        "preview": each.stake.preview,
        "digest": each.digest,
        "begun_by": each.begun_by,
        "decided_by": each.decided_by,
        "decided_at": each.decided_at,
        "reason": each.reason,
    }
