"""What insight reads: usage by day, and settled invoices."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from adapters.postgres import event_log
from adapters.postgres.database import Database
from application.insight_ports import MeterDay, PastInvoice
from domain.events.cycle import CycleOpened, FinalizationStarted
from domain.events.usage import instant, micros

_DAYS = (
    "SELECT day, meter, quantity, records FROM usage_by_day WHERE organization = %(organization)s"
    " AND day BETWEEN %(since)s AND %(until)s AND (%(meter)s::text IS NULL OR meter = %(meter)s)"
    " ORDER BY day, meter"
)
# The newest settlement of each cycle: one that was voided may have been settled anew. The first
# event says the currency.
_SETTLED = """
    SELECT h.cycle, h.starts, h.ends, h.cycle_id, e.originator_version, e.topic, e.state,
        e.notification_id, e.recorded_at
    FROM (SELECT * FROM cycle_head WHERE organization = %s AND starts < %s
        AND status NOT IN ('accruing', 'closing', 'closed', 'void') AND NOT detached
        ORDER BY starts DESC LIMIT %s) AS h
    CROSS JOIN LATERAL (
        SELECT * FROM cyclebook_events WHERE originator_id = h.cycle_id AND originator_version = 1
        UNION ALL
        (SELECT * FROM cyclebook_events WHERE originator_id = h.cycle_id
            AND starts_with(topic, 'FinalizationStarted@')
            ORDER BY originator_version DESC LIMIT 1)
    ) AS e
    ORDER BY h.starts DESC, e.originator_version
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
        events = [
            (cycle, starts, ends, event_log.recorded(UUID(bytes=stream), tuple(row)).event)
            for cycle, starts, ends, stream, *row in rows
        ]
        return [
            _invoice(cycle, instant(starts), instant(ends), opened, settled)
            for (cycle, starts, ends, opened), (*_, settled) in zip(
                events[::2], events[1::2], strict=True
            )
        ]


def _invoice(
    cycle: str, start: datetime, end: datetime, opened: object, settled: object
) -> PastInvoice:
    assert isinstance(opened, CycleOpened)
    assert isinstance(settled, FinalizationStarted)
    return PastInvoice(
        cycle=cycle,
        currency=opened.currency,
        start=start,
        end=end,
        subtotal=settled.subtotal,
        lines=settled.lines,
    )
