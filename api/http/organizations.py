"""Organizations: who pays, how their cycles end, and prices of their own."""

from typing import Any

from api.auth import ADMINS, READERS, STAFF
from api.context import changes, now, wired
from api.endpoint import Answer, principal
from api.openapi import ApiBook
from api.paging import page_of
from api.schemas.catalog import (
    OverrideEndSchema,
    OverrideTermsSchema,
    PriceListSchema,
    PriceSchema,
)
from api.schemas.effects import PreviewQuery, PreviewSchema, ReceiptSchema
from api.schemas.fields import ListQuery
from api.schemas.lifecycle import EndSchema
from api.schemas.organizations import (
    OrganizationDetailsSchema,
    OrganizationPageSchema,
    OrganizationSchema,
    OrganizationSearch,
)
from application.registration import Details
from application.views import OrganizationPage, OrganizationView, Preview, Receipt
from domain.price import Price

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
OWN_PRICE = {
    "currency": "usd",
    "kind": "metered",
    "meter": "cpu",
    "model": "per_unit",
    "unit_amount": "2.25",
}
END: dict[str, Any] = {
    "roles": ADMINS,
    "query": PreviewQuery(),
    "body": EndSchema(),
    "out": ReceiptSchema(),
    "previews": PreviewSchema(),
    "keyed": True,
}
"""What ending a cycle or an organization is like."""


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


@book.op("POST", f"{ONE}/bill-now", example={"reason": "the customer asked for it"}, **END)
def bill_now(organization: str, query: dict[str, Any], body: dict[str, Any]) -> Receipt | Preview:
    """End the accruing cycle at an instant, now by default; the next one goes on from there."""
    at, actor = body["at"] or now(), principal().actor
    return changes(query).ending.bill_now(organization, body["reason"], at=at, actor=actor)


@book.op("POST", f"{ONE}/close", example={"reason": "the customer left"}, **END)
def close_organization(
    organization: str, query: dict[str, Any], body: dict[str, Any]
) -> Receipt | Preview:
    """Detach everything at an instant and end the cycle there; a final invoice follows."""
    at, actor = body["at"] or now(), principal().actor
    return changes(query).ending.close(organization, body["reason"], at=at, actor=actor)


@book.op("POST", f"{ONE}/reopen", example={"reason": "the customer is back"}, **END)
def reopen_organization(
    organization: str, query: dict[str, Any], body: dict[str, Any]
) -> Receipt | Preview:
    """Begin a new cycle at an instant. Nothing is attached in it."""
    at, actor = body["at"] or now(), principal().actor
    return changes(query).ending.reopen(organization, body["reason"], at=at, actor=actor)


@book.op(
    "PUT",
    f"{ONE}/prices/<price>",
    roles=ADMINS,
    body=OverrideTermsSchema(),
    out=PriceSchema(),
    example=OWN_PRICE,
)
def override_price(organization: str, price: str, body: dict[str, Any]) -> Price:
    """Give an organization a price at its own terms, for attachments and swaps from now on.

    The newest terms again do nothing. What runs keeps its prices until it is swapped.
    """
    effective_at = body.pop("effective_at", None)
    return wired().publishing.override_price(
        organization,
        price,
        body,
        actor=principal().actor,
        at=now(),
        effective_at=effective_at,
    )


@book.op("GET", f"{ONE}/prices", roles=READERS, query=ListQuery(), out=PriceListSchema())
def list_overrides(organization: str, query: dict[str, Any]) -> dict[str, Any]:
    """The prices that an organization has at its own terms now."""
    found = wired().publishing.overrides(organization, now())
    return page_of(found, lambda each: each.id, query)


@book.op("DELETE", f"{ONE}/prices/<price>", roles=ADMINS, out=OverrideEndSchema())
def end_override(organization: str, price: str) -> dict[str, str]:
    """Let an organization get a price as everybody does from now on. Twice does nothing."""
    ended = wired().publishing.end_override(organization, price, actor=principal().actor, at=now())
    effect = "recorded" if ended else "nothing"
    return {"organization": organization, "price": price, "effect": effect}
