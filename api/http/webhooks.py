"""What Stripe tells us, what of it failed, and the addresses that earlier programs used."""

from typing import Any

from flask import Response, request

from api.auth import PUBLIC, STAFF
from api.context import now, wired
from api.endpoint import principal
from api.errors import Malformed, UnsupportedMedia, problem
from api.openapi import ApiBook
from api.request_body import JSON, raw_body
from api.schemas.changes import sync_json
from api.schemas.stories import SyncResultSchema
from api.schemas.webhooks import (
    AnyQuery,
    FailedWebhookPageSchema,
    RetriedWebhooksSchema,
    RetryWebhooksSchema,
    SyncQuery,
    WebhookListQuery,
    WebhookSchema,
)
from application.inbox import Unhandled
from domain.errors import InvalidInput

book = ApiBook("webhooks")

ALL = "/v1/webhooks"
SIGNED: dict[str, Any] = {
    "roles": PUBLIC,
    "out": WebhookSchema(),
    "consumes": {JSON: {"type": "object", "description": "an event of Stripe's, signed"}},
}
POST_IT = (
    "send this as POST: a sync writes, and what is sent as GET is sent again by caches, "
    "previews of links and impatient browsers without anybody having asked for it"
)


@book.op("POST", "/webhooks/stripe", **SIGNED)
def stripe_webhook() -> dict[str, bool]:
    """Take a webhook from Stripe; answered once it is stored, handled afterwards.

    One that Stripe did not sign within the last five minutes, or that is no event, is answered
    with 400.
    """
    return _taken()


@book.op("POST", "/webhook/invoice/finalized", **SIGNED)
def stripe_webhook_by_its_old_name() -> dict[str, bool]:
    """The same as /webhooks/stripe, for endpoints that were set up under this address."""
    return _taken()


@book.op("GET", ALL, roles=STAFF, query=WebhookListQuery(), out=FailedWebhookPageSchema())
def list_failed_webhooks(query: dict[str, Any]) -> dict[str, Any]:
    """Messages from Stripe that could not be handled yet, each with the reason."""
    limit = query["limit"]
    found = wired().inbox.unhandled(query["cursor"] or "", limit + 1)
    page = found[:limit]
    return {
        "data": [failed_json(each) for each in page],
        "next_cursor": page[-1].message.id if len(found) > limit else None,
    }


@book.op(
    "POST",
    f"{ALL}/retry",
    roles=STAFF,
    body=RetryWebhooksSchema(),
    out=RetriedWebhooksSchema(),
    example={"event": "evt_1MqqbKLt4dXK03v5qaIbiNCC"},
)
def retry_webhooks(body: dict[str, Any]) -> dict[str, int]:
    """Try a message that failed again at once, or all of them."""
    return {"retried": wired().inbox.retry(body["event"])}


@book.op(
    "POST",
    "/sync",
    roles=STAFF,
    query=SyncQuery(),
    out=SyncResultSchema(),
    also=frozenset({502}),
)
def sync_by_its_old_name(query: dict[str, Any]) -> dict[str, Any]:
    """Sync a cycle, named by itself or by its invoice at Stripe, and prove it."""
    cycle = wired().cycle_named(query["invoice"])
    return sync_json(cycle, wired().conflicts.sync(cycle, principal().actor))


@book.op("GET", "/sync", roles=PUBLIC, query=AnyQuery(), status=405, also=frozenset({405}))
def refuse_to_sync_on_get() -> Response:
    """Refused: a GET must not write. Send it as POST."""
    response = problem(405, "method_not_allowed", POST_IT)
    response.headers["Allow"] = "POST"
    return response


def failed_json(each: Unhandled) -> dict[str, Any]:
    """A message that failed, for people."""
    message = each.message
    return {
        "event": message.id,
        "type": message.type,
        "object": message.object_id,
        "cycle": message.cycle,
        "organization": message.organization,
        "received_at": each.received_at,
        "attempts": message.attempts,
        "due_at": each.due_at,
        "parked": each.due_at is None and message.attempts > 0,
        "error": each.error,
    }


def _taken() -> dict[str, bool]:
    body = _body()
    try:
        message = wired().read_webhook(body, request.headers.get("Stripe-Signature"), now())
    except InvalidInput as error:
        raise Malformed(str(error), **error.context) from None
    return {"new": wired().inbox.accept(message, body)}


def _body() -> bytes:
    """The bytes that were signed. Whatever is wrong with how they came, Stripe did not send them.

    Raises:
        Malformed, TooLarge: they cannot be read.
    """
    try:
        return raw_body(request)
    except UnsupportedMedia as error:
        raise Malformed(str(error)) from None
