"""Systems of the operator that are told by webhook: made, changed, tested; and what they got."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from api.auth import ADMINS
from api.context import now, wired
from api.endpoint import principal
from api.http.notices import number_of
from api.openapi import ApiBook
from api.paging import dated_place, page_of
from api.schemas.fields import ListQuery
from api.schemas.webhook_endpoints import (
    DeletedEndpointSchema,
    DeliveryListQuery,
    DeliveryPageSchema,
    DeliverySchema,
    EndpointChangesSchema,
    EndpointListSchema,
    EndpointSchema,
    MadeEndpointSchema,
    NewEndpointSchema,
    SecretRotationSchema,
)
from application.endpoints import Delivery, WebhookEndpoint
from domain.errors import NotFound

book = ApiBook("webhook endpoints")

ALL = "/v1/webhook-endpoints"
ONE = f"{ALL}/<endpoint>"
_DIGITS_MAX = 18

# Those that answer a secret do not honour Idempotency-Key: the answer would be kept.


@book.op(
    "POST",
    ALL,
    roles=ADMINS,
    body=NewEndpointSchema(),
    out=MadeEndpointSchema(),
    status=201,
    example={"url": "https://erp.example/cyclebook", "kinds": ["invoice.issued", "invoice.paid"]},
)
def create_endpoint(body: dict[str, Any]) -> dict[str, Any]:
    """Have notices sent to an https address. The secret that signs them is answered this once."""
    return asdict(wired().endpoints.create(**body, actor=principal().actor))


@book.op("GET", ALL, roles=ADMINS, query=ListQuery(), out=EndpointListSchema())
def list_endpoints(query: dict[str, Any]) -> dict[str, Any]:
    """Every webhook endpoint, without its secret."""
    return page_of(wired().endpoints.list(), _place, query)


def _place(each: WebhookEndpoint) -> str:
    assert each.made_at is not None  # by now it is in the table
    return dated_place(each.made_at, each.id)


@book.op("GET", ONE, roles=ADMINS, out=EndpointSchema())
def get_endpoint(endpoint: str) -> WebhookEndpoint:
    """A webhook endpoint, without its secret."""
    return wired().endpoints.get(endpoint)


@book.op(
    "PATCH",
    ONE,
    roles=ADMINS,
    body=EndpointChangesSchema(),
    out=EndpointSchema(),
    example={"enabled": False},
)
def change_endpoint(endpoint: str, body: dict[str, Any]) -> WebhookEndpoint:
    """Change a webhook endpoint. What waits for one that is disabled is given up."""
    return wired().endpoints.change(endpoint, body, actor=principal().actor)


@book.op("DELETE", ONE, roles=ADMINS, out=DeletedEndpointSchema())
def delete_endpoint(endpoint: str) -> dict[str, str]:
    """Remove a webhook endpoint, and all that is known of its deliveries."""
    wired().endpoints.delete(endpoint, actor=principal().actor)
    return {"deleted": endpoint}


@book.op(
    "POST",
    f"{ONE}/rotate",
    roles=ADMINS,
    body=SecretRotationSchema(),
    out=MadeEndpointSchema(),
    status=201,
    example={"grace_s": 86_400},
)
def rotate_endpoint(endpoint: str, body: dict[str, Any]) -> dict[str, Any]:
    """Make a new secret. For a day, or as long as is said, the old one signs as well."""
    grace = timedelta(seconds=body["grace_s"])
    return asdict(wired().endpoints.rotate(endpoint, now(), grace, actor=principal().actor))


@book.op("POST", f"{ONE}/test", roles=ADMINS, out=DeliverySchema(), status=202)
def send_test(endpoint: str) -> dict[str, Any]:
    """Send `endpoint.test`. A worker does it; look at the delivery to see how it went."""
    return delivery_json(wired().endpoints.test(endpoint, now()))


@book.op(
    "GET",
    f"{ONE}/deliveries",
    roles=ADMINS,
    query=DeliveryListQuery(),
    out=DeliveryPageSchema(),
)
def list_deliveries(endpoint: str, query: dict[str, Any]) -> dict[str, Any]:
    """What an endpoint was sent in the last 30 days and will be, newest first."""
    limit = query["limit"]
    found = wired().endpoints.deliveries(
        endpoint, status=query["status"], before=number_of(query["cursor"]), limit=limit + 1
    )
    page = found[:limit]
    return {
        "data": [delivery_json(each) for each in page],
        "next_cursor": str(page[-1].number) if len(found) > limit else None,
    }


@book.op(
    "POST",
    f"{ONE}/deliveries/<delivery>/redeliver",
    roles=ADMINS,
    out=DeliverySchema(),
    status=202,
)
def redeliver(endpoint: str, delivery: str) -> dict[str, Any]:
    """Send a notice once more under its old id; one that still waits is tried at once."""
    if not (delivery.isascii() and delivery.isdigit() and len(delivery) <= _DIGITS_MAX):
        raise NotFound(f"webhook endpoint {endpoint} has no delivery {delivery}")
    return delivery_json(wired().endpoints.redeliver(endpoint, int(delivery)))


def delivery_json(each: Delivery) -> dict[str, Any]:
    """A delivery."""
    return {
        "number": each.number,
        "notice": each.notice.id,
        "kind": each.notice.kind,
        "organization": each.notice.organization or None,
        "status": each.status,
        "attempts": each.attempts,
        "created_at": each.made_at,
        "tried_at": each.tried_at,
        "next_try_at": each.next_try_at,
        "answer": each.answer,
        "response": each.response,
        "error": each.error,
    }
