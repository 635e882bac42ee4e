"""Wiring of what operators watch."""

from datetime import timedelta

from adapters.postgres.database import Database
from adapters.postgres.vitals import PostgresVitals
from api.settings import Settings
from application.pacer import Pacer
from application.projector import Projector
from application.schedules import Schedules
from application.vitals import Monitoring


def monitoring(
    settings: Settings, database: Database, projector: Projector, pacer: Pacer, known: Schedules
) -> Monitoring:
    """Everything at a glance, over one database."""
    interval = timedelta(seconds=settings.sync_interval_s)
    return Monitoring(PostgresVitals(database), projector.lag, pacer.budget, known.list, interval)
