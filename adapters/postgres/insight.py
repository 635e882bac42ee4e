"""What insight reads: usage by day, and settled invoices."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from adapters.postgres import event_log
from adapters.postgres.database import Database
from application.insight_ports import MeterDay, PastInvoice
from domain.events.cycle import FinalizationStarted
from domain.events.usage import instant, micros

_DAYS = (
    "SELECT day, meter, quantity, records FROM usage_by_day WHERE organization = %(organization)s"
    " AND day BETWEEN %(since)s AND %(until)s AND (%(meter)s::text IS NULL OR meter = %(meter)s)"
    " ORDER BY day, meter"
)
# The newest of each cycle: one that was voided may have been settled anew.
_SETTLED = """
    SELECT h.cycle, s.currency, h.starts, h.ends, h.cycle_id, e.originator_version, e.topic,
        e.state, e.notification_id, e.recorded_at
    FROM (SELECT * FROM cycle_head WHERE organization = %s AND starts < %s
        AND status NOT IN ('accruing', 'closing', 'closed', 'void')
        ORDER BY starts DESC LIMIT %s) AS h
    JOIN invoice_summary s ON s.cycle_id = h.cycle_id
    JOIN LATERAL (SELECT * FROM cyclebook_events WHERE originator_id = h.cycle_id
        AND starts_with(topic, 'FinalizationStarted@')
        ORDER BY originator_version DESC LIMIT 1) AS e ON true
    ORDER BY h.starts DESC
"""


class PostgresUsageDays:
    """The ``UsageDays`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def days(
        self, organization: str, since: date, until: date, meter: str | None = None
    ) -> Sequence[MeterDay]:
        """The days with usage, by day and meter."""
        values = {"organization": organization, "since": since, "until": until, "meter": meter}
        with self._database.connection() as connection:
            return [MeterDay(*row) for row in connection.execute(_DAYS, values, prepare=True)]


class PostgresPastInvoices:
    """The ``PastInvoices`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def settled(self, organization: str, before: datetime, limit: int) -> Sequence[PastInvoice]:
        """Settled invoices, newest first."""
        with self._database.connection() as connection:
            rows = connection.execute(
                _SETTLED, [organization, micros(before), limit], binary=True, prepare=True
            ).fetchall()
        found = []
        for cycle, currency, starts, ends, stream, *row in rows:
            event = event_log.recorded(UUID(bytes=stream), tuple(row)).event
            assert isinstance(event, FinalizationStarted)
            found.append(
                PastInvoice(
                    cycle=cycle,
                    currency=currency,
                    start=instant(starts),
                    end=instant(ends),
                    subtotal=event.subtotal,
                    lines=event.lines,
                )
            )
        return found
