"""Links by which people sign in to the pages: customers to their bills, staff to the console."""

from datetime import timedelta
from typing import Any

from api.auth import ADMINS, STAFF
from api.context import now, wired
from api.endpoint import principal
from api.links import Links
from api.openapi import ApiBook
from api.schemas.signing_in import CustomerSignInSchema, SignInLinkSchema, StaffSignInSchema
from application.signing_in import Visitor
from domain.errors import NotFound

book = ApiBook("signing in")

# Neither honours Idempotency-Key: the answer, with its secret, would be kept.


@book.op(
    "POST",
    "/v1/organizations/<organization>/sign-in-links",
    roles=STAFF,
    body=CustomerSignInSchema(),
    out=SignInLinkSchema(),
    status=201,
    example={"user": "u1", "lasts_s": 3600},
)
def make_customer_link(organization: str, body: dict[str, Any]) -> dict[str, Any]:
    """Make a link that shows an organization's billing page to whoever opens it first."""
    user = body["user"]
    found = wired().registration.get(organization)
    if user is not None and user not in {each.user for each in found.members}:
        raise NotFound(f"{organization} has no member {user}", field="user")
    actor = f"member:{user}" if user is not None else f"customer:{organization}"
    visitor = Visitor(actor=actor, role="organization", organization=organization)
    return made_link(visitor, body["lasts_s"])


@book.op(
    "POST",
    "/v1/sign-in-links",
    roles=ADMINS,
    body=StaffSignInSchema(),
    out=SignInLinkSchema(),
    status=201,
    example={"name": "jane", "role": "support"},
)
def make_staff_link(body: dict[str, Any]) -> dict[str, Any]:
    """Make a link that opens the support console and the operations page for a colleague."""
    visitor = Visitor(actor=f"staff:{body['name']}", role=body["role"])
    return made_link(visitor, body["lasts_s"])


def made_link(visitor: Visitor, lasts_s: int) -> dict[str, Any]:
    """A link for somebody, and when it ends."""
    expires_at = now().replace(microsecond=0) + timedelta(seconds=lasts_s)
    link = wired().sessions.make_link(visitor, expires_at, actor=principal().actor)
    url = Links(wired().settings).address(link, visitor, expires_at)
    return {"url": url, "expires_at": expires_at}
