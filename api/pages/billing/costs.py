"""Cost and usage by day, the forecast with its range, and how to pay less."""

from flask import request

from api.auth import READERS
from api.context import wired
from api.pages.billing.charts import bill_chart, by_meter, cost_chart
from api.pages.billing.frame import ROOT, framed, is_part, require_own
from api.pages.page import page
from application.insight_views import ForecastView


@page(f"{ROOT}/costs", roles=READERS)
def billing_costs(organization: str) -> str:
    """Cost by day of a cycle; of the accruing one with what is expected. A part where asked."""
    cycle = request.args.get("cycle")
    if cycle is not None:
        require_own(organization, cycle)
    cost = wired().insight.daily(organization, cycle)
    forecast = _forecast(organization, cost.cycle) if cost.status == "accruing" else None
    part = is_part()
    since = cost.days[0].day if cost.days else None
    until = cost.days[-1].day if cost.days else None
    usage = None if part or since is None else wired().insight.usage(organization, since, until)
    return framed(
        "_costs.html" if part else "costs.html",
        organization,
        cost=cost,
        forecast=forecast,
        bill_chart=bill_chart(forecast) if forecast else None,
        cost_chart=cost_chart(cost, forecast),
        meters=by_meter(usage.days) if usage else (),
    )


@page(f"{ROOT}/tips", roles=READERS)
def billing_tips(organization: str) -> str:
    """How to pay less."""
    return framed(
        "_tips.html" if is_part() else "tips.html",
        organization,
        tips=wired().insight.tips(organization),
    )


def _forecast(organization: str, cycle: str) -> ForecastView | None:
    """The forecast of this very cycle."""
    found = wired().insight.forecast(organization)
    return found if found.cycle == cycle else None
