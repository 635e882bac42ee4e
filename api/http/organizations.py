"""Organizations, what they attach, and amounts by hand."""

from typing import Any

from api.auth import ADMINS, READERS, STAFF
from api.context import now, wired
from api.endpoint import Answer, principal
from api.openapi import ApiBook
from api.schemas.attachments import (
    AttachmentListSchema,
    AttachSchema,
    CreditGrantSchema,
    CreditListSchema,
    DetachSchema,
    ItemSchema,
    QuantitySchema,
    ReceiptSchema,
)
from api.schemas.organizations import (
    OrganizationDetailsSchema,
    OrganizationPageSchema,
    OrganizationSchema,
    OrganizationSearch,
)
from application.attaching import NewCredit, NewItem
from application.registration import Details
from application.views import OrganizationPage, OrganizationView, Receipt

book = ApiBook("organizations")

ONE = "/v1/organizations/<organization>"
CREATED = frozenset({201})

DETAILS = {
    "name": "Acme",
    "currency": "usd",
    "time_zone": "Europe/Berlin",
    "anchor_day": 1,
    "members": [{"user": "u1", "email": "ada@acme.example", "role": "owner"}],
    "policies": {"sync_interval_s": 900},
}
ATTACH = {
    "attachment": "a1",
    "service": "machine",
    "quantity": "1",
    "at": "2026-01-03T00:00:00Z",
}
ITEM = {
    "item": "setup-1",
    "description": "Set-up",
    "amount": 2500,
    "currency": "usd",
    "at": "2026-01-05T00:00:00Z",
    "reason": "agreed by phone",
}
CREDIT = {"credit": "k1", "amount": 1000, "currency": "usd", "reason": "outage on 2 January"}


@book.op(
    "PUT",
    ONE,
    roles=ADMINS,
    body=OrganizationDetailsSchema(),
    out=OrganizationSchema(),
    also=CREATED,
    example=DETAILS,
)
def put_organization(organization: str, body: Details) -> Answer:
    """Register an organization, or change it. The same again does nothing."""
    actor = principal().actor
    view = wired().registration.put(organization, body, actor=actor, at=now())
    return Answer(view, 201 if view.created else 200)


@book.op("GET", ONE, roles=READERS, out=OrganizationSchema())
def get_organization(organization: str) -> OrganizationView:
    """An organization."""
    return wired().registration.get(organization)


@book.op(
    "GET",
    "/v1/organizations",
    roles=STAFF,
    query=OrganizationSearch(),
    out=OrganizationPageSchema(),
)
def search_organizations(query: dict[str, Any]) -> OrganizationPage:
    """Organizations whose id or name contains a text, by id."""
    return wired().registration.search(query["text"], query["cursor"], query["limit"])


@book.op(
    "POST",
    f"{ONE}/attachments",
    roles=ADMINS,
    body=AttachSchema(),
    out=ReceiptSchema(),
    keyed=True,
    example=ATTACH,
)
def attach(organization: str, body: dict[str, Any]) -> Receipt:
    """Attach a service from an instant on. The same again does nothing."""
    return wired().attaching.attach(
        organization,
        body["attachment"],
        body["service"],
        body["quantity"],
        at=body["at"] or now(),
        actor=principal().actor,
    )


@book.op("GET", f"{ONE}/attachments", roles=READERS, out=AttachmentListSchema())
def list_attachments(organization: str) -> dict[str, Any]:
    """What is attached, or was in a cycle not yet issued."""
    return {"data": wired().attaching.attachments(organization), "next_cursor": None}


@book.op(
    "POST",
    f"{ONE}/attachments/<attachment>/detach",
    roles=ADMINS,
    body=DetachSchema(),
    out=ReceiptSchema(),
    keyed=True,
    example={"at": "2026-01-20T00:00:00Z"},
)
def detach(organization: str, attachment: str, body: dict[str, Any]) -> Receipt:
    """Stop an attachment at an instant. Twice does nothing."""
    return wired().attaching.detach(
        organization, attachment, at=body["at"] or now(), actor=principal().actor
    )


@book.op(
    "PATCH",
    f"{ONE}/attachments/<attachment>",
    roles=ADMINS,
    body=QuantitySchema(),
    out=ReceiptSchema(),
    example={"quantity": "3", "at": "2026-01-10T00:00:00Z"},
)
def change_quantity(organization: str, attachment: str, body: dict[str, Any]) -> Receipt:
    """Count an attachment for another quantity from an instant on."""
    return wired().attaching.change_quantity(
        organization,
        attachment,
        body["quantity"],
        at=body["at"] or now(),
        actor=principal().actor,
    )


@book.op(
    "POST",
    f"{ONE}/items",
    roles=STAFF,
    body=ItemSchema(),
    out=ReceiptSchema(),
    keyed=True,
    example=ITEM,
)
def add_item(organization: str, body: dict[str, Any]) -> Receipt:
    """Add a one-off amount, in minor units. The same item again does nothing."""
    at = body.pop("at") or now()
    item = NewItem(**body)
    return wired().attaching.add_item(organization, item, at=at, actor=principal().actor)


@book.op(
    "POST",
    f"{ONE}/credits",
    roles=STAFF,
    body=CreditGrantSchema(),
    out=ReceiptSchema(),
    keyed=True,
    example=CREDIT,
)
def grant_credit(organization: str, body: dict[str, Any]) -> Receipt:
    """Grant an amount to be taken off coming invoices. The same credit again does nothing."""
    credit = NewCredit(**body)
    return wired().attaching.grant_credit(organization, credit, at=now(), actor=principal().actor)


@book.op("GET", f"{ONE}/credits", roles=READERS, out=CreditListSchema())
def list_credits(organization: str) -> dict[str, Any]:
    """Granted credits and what is left of each."""
    return {"data": wired().attaching.credits(organization), "next_cursor": None}
