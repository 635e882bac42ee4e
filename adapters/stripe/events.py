"""Stripe's own list of what happened: events, and beyond their thirty days what else is listed.

Source: https://docs.stripe.com/api/events/list
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import stripe

from adapters.stripe.errors import errors_in_our_words
from adapters.stripe.raw import PAGE_MAX, Thing, read
from adapters.stripe.webhooks import event_of
from application.catching_up import Heard
from application.inbox import Message
from domain.errors import GatewayUnavailable

TYPES = (
    "invoice.created",
    "invoice.updated",
    "invoice.finalized",
    "invoice.finalization_failed",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.payment_action_required",
    "invoice.voided",
    "invoice.marked_uncollectible",
    "invoice.deleted",
    "invoice_payment.paid",
    "credit_note.created",
    "credit_note.voided",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.closed",
    "customer.updated",
    "customer.deleted",
)
"""The kinds that lead to something here; a request names twenty at most."""

GIVEN_BACK = (("/v1/refunds", "refund.listed"), ("/v1/disputes", "charge.dispute.listed"))
"""Lists of what an invoice does not show, and as which kind of event their rows are handled."""


class StripeEvents:
    """The ``Feed`` port."""

    def __init__(self, client: stripe.StripeClient) -> None:
        self._client = client

    def happened(self, since: datetime) -> Iterator[Sequence[Heard]]:
        """Every event since an instant, newest first, a hundred a read.

        Raises:
            GatewayUnavailable: the list ended although it said that there was more, or holds
                something that is no event.
            GatewayBusy, GatewayRejected: as in every read.
        """
        kinds = {f"types[{number}]": kind for number, kind in enumerate(TYPES)}
        for rows in _pages(self._client, "/v1/events", since, kinds):
            yield [_heard(row) for row in rows]

    def given_back(self, since: datetime) -> Iterator[Sequence[Heard]]:
        """Every refund and dispute made since an instant, as if an event had told of it."""
        for path, kind in GIVEN_BACK:
            for rows in _pages(self._client, path, since, {}):
                yield [_listed(row, kind) for row in rows]


def _pages(
    client: stripe.StripeClient, path: str, since: datetime, query: dict[str, str]
) -> Iterator[Sequence[Thing]]:
    after: dict[str, str] = {}
    while True:
        made_since = {"created[gte]": int(since.timestamp()), "limit": PAGE_MAX}
        with errors_in_our_words():
            page = read(client, path, **made_since, **query, **after)
        rows, more = page.get("data"), page.get("has_more")
        if not isinstance(rows, list) or not isinstance(more, bool):
            raise GatewayUnavailable(f"what Stripe answered to {path} is no list")
        if rows:
            yield rows
        if not more:
            return
        if not rows or rows[-1]["id"] == after.get("starting_after"):
            raise GatewayUnavailable(f"Stripe's list {path} ended before its end")
        after = {"starting_after": rows[-1]["id"]}


def _heard(row: Thing) -> Heard:
    try:
        event = event_of(row)
    except (ValueError, LookupError, TypeError, OverflowError) as error:
        raise GatewayUnavailable("Stripe lists an event that is none") from error
    payload = json.dumps(row, separators=(",", ":")).encode()
    return Heard(message=event.message, created=event.created, payload=payload)


def _listed(row: Thing, kind: str) -> Heard:
    """A message once for each state that it is seen in."""
    identity = f"listed/{row['id']}/{row['status']}"
    message = Message(id=identity, type=kind, object_id=row["id"], cycle=None)
    return Heard(
        message=message, created=datetime.fromtimestamp(row["created"], UTC), payload=b"{}"
    )
