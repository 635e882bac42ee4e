"""Wiring of what operators watch."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from adapters.postgres.database import Database
from adapters.postgres.vitals import PostgresVitals
from api.settings import Settings
from application.pacer import Pacer
from application.projector import Projector
from application.schedules import Schedules
from application.vitals import Monitoring, SetUp

if TYPE_CHECKING:
    from adapters.metrics.prometheus import PrometheusMeters


def monitoring(
    settings: Settings, database: Database, projector: Projector, pacer: Pacer, known: Schedules
) -> Monitoring:
    """Everything at a glance, over one database."""
    set_up = SetUp(
        sync_interval=timedelta(seconds=settings.sync_interval_s),
        broker=settings.amqp_url is not None,
        mails=settings.smtp_url is not None,
    )
    return Monitoring(PostgresVitals(database), projector.lag, pacer.budget, known.list, set_up)


def prometheus(folder: str | None = None) -> "PrometheusMeters":
    """Counts for Prometheus. folder: see ``metrics_folder``; none for a process by itself."""
    from adapters.metrics.prometheus import PrometheusMeters

    return PrometheusMeters(folder)


@contextmanager
def metrics_folder() -> Iterator[str]:
    """Where processes that are forked from here note what they count; gone afterwards.

    The library has to hear of it before it is loaded, which is why it is not loaded here.
    """
    from adapters.metrics.folder import shared_folder

    with shared_folder() as folder:
        yield folder
