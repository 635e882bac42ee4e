"""What organizations attach: it comes, goes and changes, each at its own instant."""

from typing import Any

from api.auth import ADMINS, READERS
from api.context import changes, now, wired
from api.endpoint import principal
from api.openapi import ApiBook
from api.paging import dated_place, page_of
from api.schemas.attachments import (
    AttachmentListSchema,
    AttachSchema,
    DetachSchema,
    EndTrialSchema,
    QuantitySchema,
    SwapSchema,
)
from api.schemas.effects import PreviewQuery, PreviewSchema, ReceiptSchema
from api.schemas.fields import ListQuery
from application.views import AttachmentView, Preview, Receipt

book = ApiBook("attachments")

ALL = "/v1/organizations/<organization>/attachments"
ONE = f"{ALL}/<attachment>"
CHANGE: dict[str, Any] = {
    "roles": ADMINS,
    "query": PreviewQuery(),
    "out": ReceiptSchema(),
    "previews": PreviewSchema(),
    "keyed": True,
}
"""What every change of an attachment is like."""

ATTACH = {
    "attachment": "a1",
    "service": "machine",
    "quantity": "1",
    "at": "2026-01-03T00:00:00Z",
    "trial_until": "2026-01-17T00:00:00Z",
    "reason": "ordered by phone",
}


@book.op("POST", ALL, body=AttachSchema(), example=ATTACH, **CHANGE)
def attach(organization: str, query: dict[str, Any], body: dict[str, Any]) -> Receipt | Preview:
    """Attach a service from an instant on. The same again does nothing."""
    return changes(query).attaching.attach(
        organization,
        body["attachment"],
        body["service"],
        body["quantity"],
        at=body["at"] or now(),
        actor=principal().actor,
        trial_until=body["trial_until"],
        reason=body["reason"],
    )


@book.op("GET", ALL, roles=READERS, query=ListQuery(), out=AttachmentListSchema())
def list_attachments(organization: str, query: dict[str, Any]) -> dict[str, Any]:
    """What is attached, or was in a cycle not yet issued."""
    found = wired().holdings.attachments(organization)
    return page_of(found, _place, query)


def _place(each: AttachmentView) -> str:
    return dated_place(each.since, each.attachment)


@book.op(
    "POST",
    f"{ONE}/detach",
    body=DetachSchema(),
    example={"at": "2026-01-20T00:00:00Z"},
    **CHANGE,
)
def detach(
    organization: str, attachment: str, query: dict[str, Any], body: dict[str, Any]
) -> Receipt | Preview:
    """Stop an attachment at an instant. Twice does nothing."""
    return changes(query).attaching.detach(
        organization,
        attachment,
        at=body["at"] or now(),
        actor=principal().actor,
        reason=body["reason"],
    )


@book.op(
    "PATCH",
    ONE,
    body=QuantitySchema(),
    example={"quantity": "3", "at": "2026-01-10T00:00:00Z"},
    **CHANGE,
)
def change_quantity(
    organization: str, attachment: str, query: dict[str, Any], body: dict[str, Any]
) -> Receipt | Preview:
    """Count an attachment for another quantity from an instant on."""
    return changes(query).attaching.change_quantity(
        organization,
        attachment,
        body["quantity"],
        at=body["at"] or now(),
        actor=principal().actor,
        reason=body["reason"],
    )


@book.op(
    "POST",
    f"{ONE}/swap",
    body=SwapSchema(),
    example={"service": "machine-large", "at": "2026-01-15T00:00:00Z"},
    **CHANGE,
)
def swap(
    organization: str, attachment: str, query: dict[str, Any], body: dict[str, Any]
) -> Receipt | Preview:
    """Make an attachment another service at once. The same service takes the newest prices."""
    return changes(query).attaching.swap(
        organization,
        attachment,
        body["service"],
        body["quantity"],
        at=body["at"] or now(),
        actor=principal().actor,
        reason=body["reason"],
    )


@book.op(
    "POST",
    f"{ONE}/end-trial",
    body=EndTrialSchema(),
    example={"at": "2026-01-10T00:00:00Z"},
    **CHANGE,
)
def end_trial(
    organization: str, attachment: str, query: dict[str, Any], body: dict[str, Any]
) -> Receipt | Preview:
    """End a trial before its time: recurring fees are owed from then on."""
    return changes(query).attaching.end_trial(
        organization,
        attachment,
        at=body["at"] or now(),
        actor=principal().actor,
        reason=body["reason"],
    )
