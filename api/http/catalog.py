"""Meters, services and prices."""

from typing import Any

from api.auth import ADMINS, STAFF
from api.context import now, wired
from api.endpoint import principal
from api.openapi import ApiBook
from api.paging import page_of
from api.schemas.catalog import (
    MeterDefinitionSchema,
    MeterListSchema,
    MeterSchema,
    PriceListSchema,
    PriceQuery,
    PriceSchema,
    PriceTermsSchema,
    RetiredSchema,
    ServiceDefinitionSchema,
    ServiceListSchema,
    ServiceSchema,
)
from api.schemas.fields import ListQuery
from domain.catalog import Meter, Service
from domain.price import Price

book = ApiBook("catalog")

METER = {"aggregation": "sum", "unit": "second", "dimensions": ["region"]}
SERVICE = {"name": "Machine", "prices": ["cpu", "base"]}
PRICE = {
    "price": "cpu",
    "currency": "usd",
    "kind": "metered",
    "meter": "cpu",
    "model": "graduated",
    "tiers": [
        {"up_to": "100", "unit_amount": "5", "flat_amount": "0"},
        {"up_to": None, "unit_amount": "3", "flat_amount": "100"},
    ],
    "group_by": ["region"],
}


@book.op(
    "PUT",
    "/v1/meters/<meter>",
    roles=ADMINS,
    body=MeterDefinitionSchema(),
    out=MeterSchema(),
    example=METER,
)
def put_meter(meter: str, body: dict[str, Any]) -> Meter:
    """Define a meter. Another definition is a new version, for cycles opened after it."""
    return wired().publishing.define_meter(meter, body, actor=principal().actor, at=now())


@book.op("GET", "/v1/meters/<meter>", roles=STAFF, out=MeterSchema())
def get_meter(meter: str) -> Meter:
    """A meter's newest version."""
    return wired().publishing.meter(meter)


@book.op("GET", "/v1/meters", roles=STAFF, query=ListQuery(), out=MeterListSchema())
def list_meters(query: dict[str, Any]) -> dict[str, Any]:
    """The newest version of every meter, by id."""
    return page_of(wired().publishing.meters(), lambda each: each.id, query)


@book.op(
    "PUT",
    "/v1/services/<service>",
    roles=ADMINS,
    body=ServiceDefinitionSchema(),
    out=ServiceSchema(),
    example=SERVICE,
)
def put_service(service: str, body: dict[str, Any]) -> Service:
    """Define what customers can attach."""
    return wired().publishing.define_service(service, body, actor=principal().actor, at=now())


@book.op("GET", "/v1/services/<service>", roles=STAFF, out=ServiceSchema())
def get_service(service: str) -> Service:
    """A service as attachments made now get it."""
    return wired().publishing.service(service)


@book.op("GET", "/v1/services", roles=STAFF, query=ListQuery(), out=ServiceListSchema())
def list_services(query: dict[str, Any]) -> dict[str, Any]:
    """Every service as attachments made now get it, by id."""
    return page_of(wired().publishing.services(), lambda each: each.id, query)


@book.op(
    "POST",
    "/v1/prices",
    roles=ADMINS,
    body=PriceTermsSchema(),
    out=PriceSchema(),
    keyed=True,
    example=PRICE,
)
def publish_price(body: dict[str, Any]) -> Price:
    """Publish a price's next version. The newest version's terms again do nothing."""
    effective_at = body.pop("effective_at", None)
    return wired().publishing.publish_price(
        body, actor=principal().actor, at=now(), effective_at=effective_at
    )


@book.op("POST", "/v1/prices/<price>/retire", roles=ADMINS, out=RetiredSchema())
def retire_price(price: str) -> dict[str, Any]:
    """Let no new attachment get a price any more; running ones keep it. Twice does nothing."""
    since = wired().publishing.retire_price(price, actor=principal().actor, at=now())
    return {"price": price, "retired_at": since}


@book.op(
    "GET",
    "/v1/prices",
    roles=STAFF,
    query=PriceQuery(),
    out=PriceListSchema(),
    also=frozenset({404}),
)
def list_prices(query: dict[str, Any]) -> dict[str, Any]:
    """Every version of a price, or of all prices, by id and version; not what one organization
    has at its own terms."""
    versions = wired().publishing.prices(query["price"])
    after = _place(query["cursor"]) if query["cursor"] else ("", 0)
    left = [each for each in versions if (each.id, each.version) > after]
    page, rest = left[: query["limit"]], left[query["limit"] :]
    return {"data": page, "next_cursor": page[-1].ref if rest else None}


def _place(ref: str) -> tuple[str, int]:
    """Where a version stands in the list."""
    price, _, version = ref.partition("@")
    return price, int(version)
