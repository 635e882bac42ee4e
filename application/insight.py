"""Insight: what usage costs by day, what the bill will come to, alerts and savings."""

from collections.abc import Callable
from datetime import date, timedelta

from application.alerts import Alerts
from application.daily_costs import DailyCosts
from application.forecasting import Forecasts
from application.insight_ports import UsageDays
from application.insight_views import (
    AlertView,
    DailyCost,
    DailyUsageView,
    ForecastView,
    Tip,
    UsageDay,
)
from application.ports import Books, CatalogReader
from domain.catalog import Catalog
from domain.errors import InvalidInput
from projections.meter_words import meter_words
from projections.usage_by_day import SHOWN_AS

DAYS_DEFAULT = 31
DAYS_MAX = 400


class Insight:
    """One place to ask for all of it; changes nothing."""

    def __init__(  # noqa: PLR0913
        self,
        books: Books,
        catalog: CatalogReader,
        usage: UsageDays,
        costs: DailyCosts,
        forecasts: Forecasts,
        alerts: Alerts,
        tips: Callable[[str], tuple[Tip, ...]],
    ) -> None:
        self._books = books
        self._catalog = catalog
        self._usage = usage
        self._costs = costs
        self._forecasts = forecasts
        self._alerts = alerts
        self._tips = tips

    def usage(
        self,
        organization: str,
        since: date | None = None,
        until: date | None = None,
        meter: str | None = None,
    ) -> DailyUsageView:
        """Usage by local day, by default of the last 31 days, today included.

        Raises:
            NotFound: there is no such organization.
            InvalidInput: the days are the wrong way round, or too many.
        """
        snapshot, catalog = self._books.snapshot(organization), self._catalog.current()
        calendar = snapshot.organization.calendar
        last = until or calendar.local_date(snapshot.now)
        first = since or last - timedelta(days=DAYS_DEFAULT - 1)
        if first > last:
            raise InvalidInput("from must not lie after to", field="from")
        if (last - first).days >= DAYS_MAX:
            raise InvalidInput(f"at most {DAYS_MAX} days can be asked for at once", field="from")
        rows = self._usage.days(organization, first, last, meter)
        words = meter_words((each.cycle for each in snapshot.cycles), catalog)
        return DailyUsageView(
            organization=organization,
            time_zone=calendar.zone,
            since=first,
            until=last,
            days=tuple(
                UsageDay(
                    day=row.day,
                    meter=row.meter,
                    name=words.name(row.meter),
                    unit=_unit(catalog, row.meter),
                    shown=_shown(catalog, row.meter),
                    quantity=row.quantity,
                    records=row.records,
                )
                for row in rows
            ),
        )

    def daily(self, organization: str, cycle: str | None = None) -> DailyCost:
        """Cost by local day of a cycle, by default of the one that accrues.

        Raises:
            NotFound: there is no such organization or cycle.
        """
        return self._costs.cost(organization, cycle)

    def forecast(self, organization: str) -> ForecastView:
        """What the bill of the accruing cycle will come to.

        Raises:
            NotFound: there is no such organization, or it has no cycle.
        """
        return self._forecasts.forecast(organization)

    def alerts(self, organization: str) -> tuple[AlertView, ...]:
        """Its spend alerts, by id.

        Raises:
            NotFound: there is no such organization.
        """
        return self._alerts.list(organization)

    def tips(self, organization: str) -> tuple[Tip, ...]:
        """How it could pay less, the largest saving first.

        Raises:
            NotFound: there is no such organization.
        """
        return self._tips(organization)


def _unit(catalog: Catalog, meter: str) -> str:
    return catalog.meters[meter][-1].unit


def _shown(catalog: Catalog, meter: str) -> str:
    aggregation = catalog.meters[meter][-1].aggregation
    return SHOWN_AS.get(aggregation, aggregation)
