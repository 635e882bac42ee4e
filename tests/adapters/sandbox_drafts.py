"""Drafts in the sandbox that wait for their hour."""

from typing import Any

from tests.adapters.sandbox_api import made
from tests.adapters.test_sandbox import Api

HOUR = 3600


def advancing(api: Api, **form: Any) -> Any:
    fields = {"customer": api.customer(), "auto_advance": "true"} | form
    return made(api.post("/v1/invoices", fields))


def status(api: Api, invoice: str) -> str:
    return str(api.get(f"/v1/invoices/{invoice}").json["status"])
