"""Spend alerts: which organizations have some, which cycles to look at, and what was reached."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from psycopg import Connection

from adapters.postgres.database import Database, Rows
from adapters.postgres.log_pages import Logged
from application.insight_ports import AlertLook
from domain.billing_cycle import UNISSUED
from domain.events.organization import AlertConfigured, AlertRemoved
from domain.events.usage import micros

AGAIN_AFTER = timedelta(seconds=30)
"""A cycle that changes all the time is looked at this often."""

AGAIN_ANYWAY = timedelta(minutes=10)
"""One that does not change earns fees all the same, and its forecast moves."""

_UNISSUED = ", ".join(f"'{status.value}'" for status in sorted(UNISSUED))
_ADD = (
    "INSERT INTO spend_alert{suffix} (organization, alert, position) VALUES (%s, %s, %s)"
    " ON CONFLICT (organization, alert) DO UPDATE SET position = excluded.position"
)
_DROP = "DELETE FROM spend_alert{suffix} WHERE (organization, alert) = (%s, %s)"
_LOOKS = f"""
    SELECT h.organization, h.cycle, h.version, a.position
    FROM (SELECT organization, max(position) FROM spend_alert GROUP BY 1)
        AS a(organization, position)
    JOIN cycle_head h ON h.organization = a.organization
    LEFT JOIN alert_look l ON l.cycle = h.cycle
    WHERE h.status IN ({_UNISSUED}) AND h.starts <= %(now_us)s AND (l.cycle IS NULL OR {{which}})
    ORDER BY l.looked_at NULLS FIRST, h.cycle LIMIT %(limit)s
"""
_CHANGED = "l.alerts <> a.position OR (l.version <> h.version AND l.looked_at <= %(before)s)"
_UNSEEN = "l.looked_at <= %(before)s"
_LOOKED = (
    "INSERT INTO alert_look (cycle, version, alerts, looked_at) VALUES (%s, %s, %s, %s)"
    " ON CONFLICT (cycle) DO UPDATE SET version = excluded.version, alerts = excluded.alerts,"
    " looked_at = excluded.looked_at"
)
_REACHED = (
    "INSERT INTO alert_reached (cycle, alert, times, reached_at) VALUES (%s, %s, %s, %s)"
    " ON CONFLICT DO NOTHING"
)
_KNOWN = "SELECT alert, times, reached_at FROM alert_reached WHERE cycle = %s"


class SpendAlerts:
    """The organizations that have alerts: a read model."""

    tables = ("spend_alert",)

    def fold(self, connection: Connection[Rows], page: Sequence[Logged], suffix: str = "") -> None:
        """Take a page into account, within the caller's transaction."""
        for each in page:
            match each.event:
                case AlertConfigured() as event:
                    row = [event.organization, event.alert, each.position]
                    connection.execute(_ADD.replace("{suffix}", suffix).encode(), row)
                case AlertRemoved() as event:
                    key = [event.organization, event.alert]
                    connection.execute(_DROP.replace("{suffix}", suffix).encode(), key)


class PostgresAlertLooks:
    """The ``AlertLooks`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, now: datetime, limit: int) -> Sequence[AlertLook]:
        """Cycles that changed, those not looked at for longest first."""
        return self._found(_CHANGED, now, now - AGAIN_AFTER, limit)

    def unseen(self, now: datetime, limit: int) -> Sequence[AlertLook]:
        """Cycles not looked at for a while, whether they changed or not."""
        return self._found(_UNSEEN, now, now - AGAIN_ANYWAY, limit)

    def reached(self, cycle: str) -> Mapping[tuple[str, int], datetime]:
        """When alerts were reached in a cycle, by (alert, times configured)."""
        with self._database.connection() as connection:
            rows = connection.execute(_KNOWN, [cycle]).fetchall()
        return {(alert, times): at for alert, times, at in rows}

    def looked(self, look: AlertLook, reached: Sequence[tuple[str, int]], at: datetime) -> None:
        """Remember a look, and the alerts that were found reached, as (alert, times)."""
        with self._database.connection() as connection, connection.transaction():
            for alert, times in reached:
                connection.execute(_REACHED, [look.cycle, alert, times, at])
            row = [look.cycle, look.version, look.alerts, at]
            connection.execute(_LOOKED, row)

    def _found(
        self, which: str, now: datetime, before: datetime, limit: int
    ) -> Sequence[AlertLook]:
        values = {"now_us": micros(now), "before": before, "limit": limit}
        query = _LOOKS.replace("{which}", which).encode()
        with self._database.connection() as connection:
            return [AlertLook(*row) for row in connection.execute(query, values).fetchall()]
