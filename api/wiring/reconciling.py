"""Wiring of reconciliations: what they read, where they are kept, and what they may mend."""

from collections.abc import Callable
from datetime import datetime

from adapters.postgres.database import Database
from adapters.postgres.reconciled_cycles import PostgresSweptCycles
from adapters.postgres.reconciliations import PostgresReports
from application.gateway import InvoiceGateway
from application.inbox import Message
from application.issuing import Issuing
from application.reconciler import Reconciler
from application.reconciling.booked import BookedCycles
from application.reconciling.reconciliations import Reconciliations
from application.reconciling.repairs import Repairs, issuing_on, noting
from application.reconciling.sweep import Sweep

Clock = Callable[[], datetime]


def reconciliations(
    database: Database,
    gateway: InvoiceGateway,
    booked: BookedCycles,
    reconciler: Reconciler,
    repairs: Repairs,
    now: Clock,
) -> Reconciliations:
    """Everything about reconciliations over one database."""
    reports = PostgresReports(database)
    sweep = Sweep(
        booked=booked,
        cycles=PostgresSweptCycles(database),
        reports=reports,
        gateway=gateway,
        audit=reconciler.audit,
        repairs=repairs,
        now=now,
    )
    return Reconciliations(reports, sweep, now)


def safe_repairs(
    database: Database,
    booked: BookedCycles,
    sync: Callable[[str, str], object],
    handle: Callable[[Message, datetime], None],
    issuing: Issuing,
    now: Clock,
) -> Repairs:
    """What a reconciliation may mend by itself."""
    return Repairs(
        PostgresSweptCycles(database),
        booked.row_at,
        sync,
        noting(handle, now),
        issuing_on(issuing, now),
    )
