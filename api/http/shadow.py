"""Another biller: what it billed before, and how its invoices compare with ours."""

from typing import Any

from api.auth import READERS, STAFF
from api.context import now, wired
from api.openapi import ApiBook
from api.schemas.shadow import (
    ImportedListQuery,
    ImportedPageSchema,
    ShadowPageSchema,
    ShadowQuery,
)
from application.shadowing.comparing import ShadowPage, Window

book = ApiBook("another biller")


@book.op(
    "GET",
    "/v1/organizations/<organization>/imported-invoices",
    roles=READERS,
    query=ImportedListQuery(),
    out=ImportedPageSchema(),
)
def list_imported_invoices(organization: str, query: dict[str, Any]) -> dict[str, Any]:
    """Invoices that another program issued for an organization, newest first."""
    limit = query["limit"]
    found = wired().shadowing.history.of(organization, query["cursor"], limit + 1)
    page = found[:limit]
    return {"data": page, "next_cursor": page[-1].id if len(found) > limit else None}


@book.op(
    "GET",
    "/v1/shadow",
    roles=STAFF,
    query=ShadowQuery(),
    out=ShadowPageSchema(),
    also=frozenset({404}),
)
def compare_shadow(query: dict[str, Any]) -> ShadowPage:
    """Our invoices beside those that another program issued, line by line. Never asks Stripe."""
    window = Window.of_ended(query["start"], query["end"], now())
    return wired().shadowing.comparing.page(
        window, query["organization"], query["cursor"], query["limit"]
    )
