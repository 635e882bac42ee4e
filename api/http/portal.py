"""What customers see at Stripe, and which customer there an organization is."""

from typing import Any

from api.auth import ADMINS, READERS
from api.context import now, wired
from api.endpoint import principal
from api.openapi import ApiBook
from api.schemas.portal import (
    CustomerLinkSchema,
    InvoiceLinksSchema,
    LinkedCustomerSchema,
    PortalRequestSchema,
    PortalSessionSchema,
)
from application.linking import Linked
from application.portal import PortalSession
from application.views import InvoiceLinks

book = ApiBook("portal")

ONE = "/v1/organizations/<organization>"
BAD_GATEWAY = frozenset({502})


@book.op(
    "POST",
    f"{ONE}/portal-sessions",
    roles=READERS,
    body=PortalRequestSchema(),
    out=PortalSessionSchema(),
    also=BAD_GATEWAY,
    example={"return_url": "https://app.acme.example/billing"},
)
def open_portal(organization: str, body: dict[str, Any]) -> PortalSession:
    """Open Stripe's customer portal: payment methods, address, tax ids, issued invoices.

    The drafts are put before all others in the queue of syncs; this does not wait for them.
    """
    return wired().portal.open(organization, body["return_url"])


@book.op(
    "POST",
    f"{ONE}/stripe-customer",
    roles=ADMINS,
    body=CustomerLinkSchema(),
    out=LinkedCustomerSchema(),
    also=BAD_GATEWAY,
    example={"customer": "cus_NffrFeUfNV2Hib"},
)
def link_customer(organization: str, body: dict[str, Any]) -> Linked:
    """Bill an organization as a customer that exists at Stripe. The same again does nothing."""
    actor = principal().actor
    return wired().linking.link(organization, body["customer"], actor=actor, at=now())


@book.op(
    "GET",
    "/v1/invoices/<cycle>/links",
    roles=READERS,
    out=InvoiceLinksSchema(),
    also=BAD_GATEWAY,
)
def invoice_links(cycle: str) -> InvoiceLinks:
    """Where an issued invoice can be seen, paid and downloaded now. This asks Stripe."""
    return wired().portal.links(cycle)
