"""The audit trail: heads of chains that outsiders keep, and what is erased."""

from typing import Any

from api.auth import ADMINS, READERS
from api.chains import chain_shown
from api.context import now, wired
from api.endpoint import principal
from api.erasures import erasure_json
from api.openapi import ApiBook
from api.schemas.audit_trail import ChainSchema, ErasureQuery, ErasureSchema

book = ApiBook("audit trail")

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
