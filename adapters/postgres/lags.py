"""How far those who follow the log are behind it."""

from datetime import timedelta

from psycopg import Connection

from adapters.postgres.database import Rows
from application.projector import Lag

_LAG = (
    "SELECT t.position, l.last, coalesce((SELECT clock_timestamp() - min(recorded_at)"
    " FROM (SELECT recorded_at FROM cyclebook_events WHERE notification_id > t.position"
    " ORDER BY notification_id LIMIT 1) AS oldest), interval '0')"
    " FROM (SELECT coalesce(max(notification_id), 0) FROM projection_tracking"
    " WHERE application_name = %s) AS t(position),"
    " (SELECT coalesce(max(notification_id), 0) FROM cyclebook_events) AS l(last)"
)


def lag_of(connection: Connection[Rows], follower: str) -> Lag:
    """How far one is behind, by its name in ``projection_tracking``."""
    row = connection.execute(_LAG, [follower], prepare=True).fetchone()
    assert row is not None
    position, last, age = row
    return Lag(position=position, last=last, age=max(age, timedelta()))
