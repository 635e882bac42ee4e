"""A customer's own pages at Stripe, an invoice's pages there, and the link between the two."""

from marshmallow import fields

from api.schemas.fields import Strict, Text


class PortalRequestSchema(Strict):
    """``return_url``: where the portal's way back leads to."""

    return_url = Text(required=True)


class PortalSessionSchema(Strict):
    """A link that works for minutes. Send the customer there at once; do not keep it."""

    organization = fields.String(required=True)
    url = fields.String(required=True)


class CustomerLinkSchema(Strict):
    """``customer``: the id of a customer that exists at Stripe."""

    customer = Text(required=True)


class LinkedCustomerSchema(Strict):
    """The customer that the organization is billed as; ``former``: the one it was before."""

    organization = fields.String(required=True)
    customer = fields.String(required=True)
    former = fields.String(required=True, allow_none=True)


class InvoiceLinksSchema(Strict):
    """Where the issued invoice can be seen and paid, and downloaded. Stripe's links expire."""

    hosted = fields.String(required=True, allow_none=True)
    pdf = fields.String(required=True, allow_none=True)
