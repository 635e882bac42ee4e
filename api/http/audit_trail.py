"""The audit trail: heads of chains that outsiders keep."""

from typing import Any

from api.auth import READERS
from api.chains import chain_shown
from api.context import wired
from api.openapi import ApiBook
from api.schemas.audit_trail import ChainSchema

book = ApiBook("audit trail")

ORGANIZATION = "/v1/organizations/<organization>"


@book.op("GET", f"{ORGANIZATION}/chain", roles=READERS, out=ChainSchema())
def get_chain(organization: str) -> dict[str, Any]:
    """Where the hash chain over an organization's events stands. Keep it: it proves the past."""
    wired().registration.get(organization)
    return chain_shown(wired(), organization)
