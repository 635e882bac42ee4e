"""Amounts that people add, take off and set: items, credits, discounts, waivers, overrides."""

from typing import Any

from api.auth import READERS, STAFF
from api.context import changes, now, wired
from api.endpoint import principal
from api.openapi import ApiBook
from api.paging import dated_place, page_of
from api.schemas.adjustments import (
    BalanceListSchema,
    CreditGrantSchema,
    CreditListSchema,
    DiscountEndSchema,
    DiscountListSchema,
    DiscountSchema,
    ItemSchema,
    OverrideSchema,
    WaiveSchema,
)
from api.schemas.effects import PreviewQuery, PreviewSchema, ReceiptSchema
from api.schemas.fields import ListQuery
from api.weighing import by_credit, by_discount, by_preview
from application.adjusting import NewCredit, NewDiscount, NewItem
from application.views import Preview, Receipt

book = ApiBook("adjustments")

ONE = "/v1/organizations/<organization>"
INVOICE = "/v1/invoices/<cycle>"
CHANGE: dict[str, Any] = {
    "roles": STAFF,
    "query": PreviewQuery(),
    "out": ReceiptSchema(),
    "previews": PreviewSchema(),
    "keyed": True,
}
"""What every adjustment is like."""

ITEM = {
    "item": "setup-1",
    "description": "Set-up",
    "amount": 2500,
    "currency": "usd",
    "at": "2026-01-05T00:00:00Z",
    "reason": "agreed by phone",
}
CREDIT = {"credit": "k1", "amount": 1000, "currency": "usd", "reason": "outage on 2 January"}
DISCOUNT = {
    "discount": "loyal-10",
    "percent": "10",
    "prices": ["base"],
    "cycles": 3,
    "reason": "agreed for the first quarter",
}
WAIVE = {"line": "usage/a1/cpu@1", "reason": "a loop of ours caused it"}
OVERRIDE = {"line": "fee/a1/base@1", "amount": 2000, "reason": "as the offer says"}


@book.op("POST", f"{ONE}/items", body=ItemSchema(), example=ITEM, second=by_preview, **CHANGE)
def add_item(organization: str, query: dict[str, Any], body: dict[str, Any]) -> Receipt | Preview:
    """Add a one-off amount, in minor units. The same item again does nothing."""
    at = body.pop("at") or now()
    item, actor = NewItem(**body), principal().actor
    return changes(query).adjusting.add_item(organization, item, at=at, actor=actor)


@book.op(
    "POST",
    f"{ONE}/credits",
    body=CreditGrantSchema(),
    example=CREDIT,
    second=by_credit,
    **CHANGE,
)
def grant_credit(
    organization: str, query: dict[str, Any], body: dict[str, Any]
) -> Receipt | Preview:
    """Grant an amount to be taken off coming invoices. The same credit again does nothing."""
    credit, actor = NewCredit(**body), principal().actor
    return changes(query).adjusting.grant_credit(organization, credit, at=now(), actor=actor)


@book.op("GET", f"{ONE}/credits", roles=READERS, query=ListQuery(), out=CreditListSchema())
def list_credits(organization: str, query: dict[str, Any]) -> dict[str, Any]:
    """Granted credits and what is left of each."""
    found = wired().holdings.credits(organization)
    return page_of(found, lambda each: dated_place(each.granted_at, each.credit), query)


@book.op("GET", f"{ONE}/balance", roles=READERS, query=ListQuery(), out=BalanceListSchema())
def get_balance(organization: str, query: dict[str, Any]) -> dict[str, Any]:
    """The credit balance, what is due and what is overdue, by currency."""
    return page_of(wired().holdings.balance(organization), lambda each: each.currency, query)


@book.op(
    "POST",
    f"{ONE}/discounts",
    body=DiscountSchema(),
    example=DISCOUNT,
    second=by_discount,
    **CHANGE,
)
def grant_discount(
    organization: str, query: dict[str, Any], body: dict[str, Any]
) -> Receipt | Preview:
    """Take something off the invoice of an instant's cycle, and coming ones.

    The same discount again does nothing.
    """
    at = body.pop("at") or now()
    body["prices"] = tuple(body["prices"])
    discount, actor = NewDiscount(**body), principal().actor
    return changes(query).adjusting.grant_discount(organization, discount, at=at, actor=actor)


@book.op("GET", f"{ONE}/discounts", roles=READERS, query=ListQuery(), out=DiscountListSchema())
def list_discounts(organization: str, query: dict[str, Any]) -> dict[str, Any]:
    """The discounts of invoices that are not issued yet, and for how many each goes on."""
    found = wired().holdings.discounts(organization)
    return page_of(found, lambda each: each.discount, query)


@book.op(
    "POST",
    f"{ONE}/discounts/<discount>/end",
    body=DiscountEndSchema(),
    example={"reason": "the contract ended"},
    second=by_preview,
    **CHANGE,
)
def end_discount(
    organization: str, discount: str, query: dict[str, Any], body: dict[str, Any]
) -> Receipt | Preview:
    """Take a discount off the invoice of an instant's cycle, and coming ones."""
    at, actor = body["at"] or now(), principal().actor
    return changes(query).adjusting.end_discount(
        organization, discount, body["reason"], at=at, actor=actor
    )


@book.op("POST", f"{INVOICE}/waive", body=WaiveSchema(), example=WAIVE, second=by_preview, **CHANGE)
def waive_line(cycle: str, query: dict[str, Any], body: dict[str, Any]) -> Receipt | Preview:
    """Do not ask for what a line has come to so far; later usage adds on."""
    return changes(query).adjusting.waive(
        cycle, body["line"], body["reason"], at=now(), actor=principal().actor
    )


@book.op(
    "POST",
    f"{INVOICE}/override",
    body=OverrideSchema(),
    example=OVERRIDE,
    second=by_preview,
    **CHANGE,
)
def override_amount(cycle: str, query: dict[str, Any], body: dict[str, Any]) -> Receipt | Preview:
    """Set what a line has come to so far, or finally, once the cycle accrues no more."""
    return changes(query).adjusting.override(
        cycle,
        body["line"],
        body["amount"],
        body["reason"],
        final=body["final"],
        at=now(),
        actor=principal().actor,
    )
