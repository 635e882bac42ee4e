"""Insight: usage and cost by day, forecasts, spend alerts and savings tips."""

from typing import Any

from api.auth import READERS
from api.context import now, wired
from api.endpoint import principal
from api.openapi import ApiBook
from api.paging import page_of
from api.schemas.effects import ReceiptSchema
from api.schemas.fields import ListQuery
from api.schemas.insight import (
    AlertListSchema,
    AlertRequestSchema,
    DailyCostQuery,
    DailyCostSchema,
    DailyUsageQuery,
    DailyUsageSchema,
    ForecastSchema,
    TipListSchema,
)
from application.insight_views import DailyCost, DailyUsageView, ForecastView, Tip
from application.views import Receipt
from domain.alert import Wanted
from domain.errors import NotFound
from domain.identity import parse_cycle_name

book = ApiBook("insight")

ONE = "/v1/organizations/<organization>"
NOW = frozenset({"as_of"})
MOST = 10**19
"""More minor units than anybody can save."""


@book.op(
    "GET",
    f"{ONE}/usage/daily",
    roles=READERS,
    query=DailyUsageQuery(),
    out=DailyUsageSchema(),
)
def daily_usage(organization: str, query: dict[str, Any]) -> DailyUsageView:
    """Usage by local day and meter."""
    asked = query["from_"], query["to"], query["meter"]
    return wired().insight.usage(organization, *asked)


@book.op(
    "GET",
    f"{ONE}/costs/daily",
    roles=READERS,
    query=DailyCostQuery(),
    out=DailyCostSchema(),
    volatile=NOW,
)
def daily_cost(organization: str, query: dict[str, Any]) -> DailyCost:
    """What each local day of a cycle added to what it has earned, by attachment."""
    cycle = query["cycle"]
    if cycle is not None and _organization_of(cycle) != organization:
        raise NotFound(f"there is no billing cycle {cycle} of {organization}", cycle=cycle)
    return wired().insight.daily(organization, cycle)


def _organization_of(cycle: str) -> str | None:
    parsed = parse_cycle_name(cycle)
    return None if parsed is None else parsed[0]


@book.op("GET", f"{ONE}/forecast", roles=READERS, out=ForecastSchema(), volatile=NOW)
def get_forecast(organization: str) -> ForecastView:
    """What the accruing cycle's bill will come to: a range, and what it rests on."""
    return wired().insight.forecast(organization)


@book.op("GET", f"{ONE}/alerts", roles=READERS, query=ListQuery(), out=AlertListSchema())
def list_alerts(organization: str, query: dict[str, Any]) -> dict[str, Any]:
    """The spend alerts, and whether the accruing cycle reached them."""
    return page_of(wired().insight.alerts(organization), lambda each: each.alert, query)


@book.op(
    "PUT",
    f"{ONE}/alerts/<alert>",
    roles=READERS,
    body=AlertRequestSchema(),
    out=ReceiptSchema(),
    example={"of": "spend", "percent": 80, "budget": 50_000},
)
def put_alert(organization: str, alert: str, body: Wanted) -> Receipt:
    """Be told once in each cycle when it comes to this much. A change arms the alert again."""
    actor = principal().actor
    return wired().alerts.configure(organization, alert, body, actor=actor, at=now())


@book.op("DELETE", f"{ONE}/alerts/<alert>", roles=READERS, out=ReceiptSchema())
def remove_alert(organization: str, alert: str) -> Receipt:
    """Be told of an alert no more. Twice does nothing."""
    return wired().alerts.remove(organization, alert, actor=principal().actor, at=now())


@book.op("GET", f"{ONE}/tips", roles=READERS, query=ListQuery(), out=TipListSchema())
def list_tips(organization: str, query: dict[str, Any]) -> dict[str, Any]:
    """How the organization could pay less, with what it would save."""
    return page_of(wired().insight.tips(organization), _place, query)


def _place(tip: Tip) -> str:
    """Where a tip stands: the largest saving comes first."""
    return f"{MOST - tip.monthly:020d} {tip.attachment} {tip.kind} {tip.service}"
