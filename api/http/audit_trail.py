"""The audit trail: heads of chains that outsiders keep, and what is erased and exported."""

from typing import Any

from flask import Response

from api.auth import ADMINS, READERS
from api.auth import ORGANIZATION as ORGANIZATION_ROLE
from api.chains import chain_shown
from api.context import now, wired
from api.endpoint import principal
from api.erasures import erasure_json
from api.invoice_export import bundle
from api.openapi import ApiBook
from api.organization_export import stream
from api.schemas.audit_trail import ChainSchema, ErasureQuery, ErasureSchema

book = ApiBook("audit trail")

NDJSON = "application/x-ndjson"
ORGANIZATION = "/v1/organizations/<organization>"


@book.op("GET", f"{ORGANIZATION}/chain", roles=READERS, out=ChainSchema())
def get_chain(organization: str) -> dict[str, Any]:
    """Where the hash chain over an organization's events stands. Keep it: it proves the past."""
    wired().registration.get(organization)
    return chain_shown(wired(), organization)


@book.op(
    "DELETE",
    f"{ORGANIZATION}/members/<path:user>/personal-data",
    roles=ADMINS,
    query=ErasureQuery(),
    out=ErasureSchema(),
)
def erase_personal_data(organization: str, user: str, query: dict[str, Any]) -> dict[str, Any]:
    """Erase what is kept of a member outside the log, for good. No amount changes.

    Their address, what they wrote in cases and comments, mails, sessions. Twice does nothing.
    """
    erased = wired().audit_trail.erasing.erase(
        organization,
        user,
        name_too=query["organization_name"],
        actor=principal().actor,
        at=now(),
    )
    return erasure_json(erased)


@book.op("GET", f"{ORGANIZATION}/export", roles=READERS)
def export_organization(organization: str) -> Response:
    """Everything about an organization, a JSON object on each line.

    For staff with what is internal. It is sent while it is made; the last line is
    ``{"row": "end", ...}``.
    """
    lines = stream(wired(), organization, for_staff=principal().role != ORGANIZATION_ROLE)
    response = Response(lines, content_type=NDJSON)
    name = f"{organization}.ndjson"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@book.op("GET", "/v1/invoices/<cycle>/export", roles=READERS)
def export_invoice(cycle: str) -> Response:
    """An invoice with the events it follows from, to be checked without us.

    NDJSON: the invoice and the heads of its chains first, then one event a line. What it does
    not need is there as a digest only. ``cyclebook verify-export`` reads it.
    """
    response = Response(bundle(wired(), cycle), content_type=NDJSON)
    name = f"{cycle}.ndjson"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
