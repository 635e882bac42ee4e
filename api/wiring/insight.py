"""Wiring of insight: usage and cost by day, forecasts, spend alerts and savings tips."""

from dataclasses import dataclass

from adapters.postgres.database import Database
from adapters.postgres.insight import PostgresPastInvoices, PostgresUsageDays
from adapters.postgres.notices import PostgresNotices
from adapters.postgres.spend_alerts import PostgresAlertLooks
from application.alerts import Alerts, AlertWatch
from application.changing import Runner
from application.daily_costs import DailyCosts
from application.forecasting import Forecasts
from application.insight import Insight
from application.ports import Books, CatalogReader
from application.replays import CycleRecords
from application.tips import Tips
from application.unusual import AnomalyCheck
from application.views import Receipt


@dataclass(frozen=True, kw_only=True, slots=True)
class Insights:
    """What people ask, what they change, and what the clock looks at."""

    insight: Insight
    alerts: Alerts
    watch: AlertWatch
    check: AnomalyCheck


def insights(
    database: Database,
    run: Runner[Receipt],
    books: Books,
    catalog: CatalogReader,
    records: CycleRecords,
    *,
    mails: bool,
) -> Insights:
    """Everything about insight over one database. mails: whether members get e-mails."""
    usage, invoices = PostgresUsageDays(database), PostgresPastInvoices(database)
    looks = PostgresAlertLooks(database)
    costs = DailyCosts(books, catalog, records)
    forecasts = Forecasts(costs, books, catalog, usage, invoices)
    alerts = Alerts(run, books, invoices, looks)
    notices = PostgresNotices(database, mails=mails)
    watch = AlertWatch(books, catalog, forecasts.forecast, invoices, looks, notices)
    tips = Tips(books, catalog, records)
    insight = Insight(books, catalog, usage, costs, forecasts, alerts, tips.tips)
    return Insights(insight=insight, alerts=alerts, watch=watch, check=AnomalyCheck(invoices))
