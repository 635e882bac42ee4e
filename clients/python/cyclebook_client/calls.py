"""Questions and changes that are answered at once, each tried again while that can help."""

import time
import uuid
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, cast
from urllib.parse import quote, urlencode

from cyclebook_client.answers import (
    CurrentInvoice,
    Explanation,
    Organization,
    OrganizationDetails,
    Receipt,
)
from cyclebook_client.errors import Refused
from cyclebook_client.options import Options
from cyclebook_client.records import instant_text, value_text
from cyclebook_client.transport import Later, Transport, jitter_s

ATTEMPTS_MAX = 5
WAIT_MAX_S = 10.0
"""A caller is not made to wait for longer between two attempts: it gets the error."""

IN_USE = "idempotency_key_in_use"
"""An earlier attempt of ours is still being answered."""


class Calls:
    """All of these raise ``Refused``, or ``NoAnswer`` after ``ATTEMPTS_MAX`` attempts."""

    def __init__(self, transport: Transport, options: Options) -> None:
        self._transport = transport
        self._options = options

    def invoice(self, organization: str, *, at_least: int | None = None) -> CurrentInvoice:
        """What an organization owes right now. at_least: wait for this position of the log."""
        path = f"/v1/organizations/{_id(organization)}/invoices/current"
        return cast(CurrentInvoice, self._ask("GET", path + _query(at_least=at_least)))

    def explain(self, cycle: str, line: str, *, cursor: str | None = None) -> Explanation:
        """Why a line comes to what it does, with a page of the usage records behind it."""
        path = f"/v1/invoices/{_id(cycle)}/lines/{_id(line)}/explain"
        return cast(Explanation, self._ask("GET", path + _query(cursor=cursor)))

    def put_organization(self, organization: str, details: OrganizationDetails) -> Organization:
        """Register an organization, or change it. The same again does nothing."""
        path = f"/v1/organizations/{_id(organization)}"
        return cast(Organization, self._ask("PUT", path, details))

    def attach(
        self,
        organization: str,
        attachment: str,
        service: str,
        *,
        quantity: int | Decimal | str = 1,
        at: datetime | None = None,
        reason: str | None = None,
    ) -> Receipt:
        """Attach a service from an instant on, now by default. The same again does nothing.

        reason: why; it stands in the invoice's story.
        """
        path = f"/v1/organizations/{_id(organization)}/attachments"
        body = {"attachment": attachment, "service": service, "quantity": value_text(quantity)}
        return cast(Receipt, self._change(path, body | _said(at, reason)))

    def detach(
        self,
        organization: str,
        attachment: str,
        *,
        at: datetime | None = None,
        reason: str | None = None,
    ) -> Receipt:
        """Stop an attachment at an instant, now by default. Twice does nothing.

        reason: why; it stands in the invoice's story.
        """
        path = f"/v1/organizations/{_id(organization)}/attachments/{_id(attachment)}/detach"
        return cast(Receipt, self._change(path, _said(at, reason)))

    def _change(self, path: str, body: Mapping[str, Any]) -> Any:
        """All attempts have one key: whichever arrives first is the one that counts."""
        return self._ask("POST", path, body, {"Idempotency-Key": str(uuid.uuid4())})

    def _ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        options = self._options
        for attempt in range(ATTEMPTS_MAX):
            try:
                return self._transport.send(method, path, body, headers)
            except (Later, Refused) as error:
                asked = error.retry_after_s if isinstance(error, Later) else 0.0
                final = isinstance(error, Refused) and error.code != IN_USE
                if final or attempt + 1 == ATTEMPTS_MAX or asked > WAIT_MAX_S:
                    raise
                time.sleep(asked + jitter_s(attempt, options.pause_s, options.pause_max_s))
        raise AssertionError("the last attempt answers or raises")


def _id(text: str) -> str:
    return quote(text, safe="")


def _query(**given: int | str | None) -> str:
    asked = {name: value for name, value in given.items() if value is not None}
    return f"?{urlencode(asked)}" if asked else ""


def _said(at: datetime | None, reason: str | None) -> dict[str, str]:
    when = {} if at is None else {"at": instant_text(at)}
    return when if reason is None else {**when, "reason": reason}
