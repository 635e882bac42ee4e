"""What waits and for how long, counted in PostgreSQL by short statements."""

from collections.abc import Mapping
from datetime import timedelta

from adapters.postgres.database import Database
from application.vitals import WAITING, Counted, Waiting

BEAT_MAX = timedelta(seconds=30)
"""A worker that said nothing for so long is not counted."""

_DUE = "lease_token IS NULL AND NOT parked AND due_at <= clock_timestamp()"
_OPEN_INBOX = "FROM webhook_inbox WHERE handled_at IS NULL"
_SENDING = "FROM webhook_delivery WHERE status = 'waiting'"

COUNTS: Mapping[str, str] = {
    "syncs": "count(*), min(dirty_since) FROM sync_queue",
    "syncs_due": f"count(*), min(due_at) FROM sync_queue WHERE {_DUE}",
    "syncs_under_way": "count(*), NULL::timestamptz FROM sync_queue WHERE lease_token IS NOT NULL",
    "syncs_failing": (
        "count(*), min(dirty_since) FROM sync_queue WHERE attempts > 0 AND NOT parked"
    ),
    "syncs_parked": "count(*), min(dirty_since) FROM sync_queue WHERE parked",
    "closings_due": (
        "count(*), min(next_duty_at) FROM cycle_head WHERE next_duty_at <= clock_timestamp()"
    ),
    "held": "count(*), NULL::timestamptz FROM invoice_summary WHERE held IS NOT NULL",
    "webhooks": f"count(*), min(received_at) {_OPEN_INBOX} AND due_at IS NOT NULL",
    "webhooks_failing": (
        f"count(*), min(received_at) {_OPEN_INBOX}"
        " AND last_error IS NOT NULL AND due_at IS NOT NULL"
    ),
    "webhooks_parked": f"count(*), min(received_at) {_OPEN_INBOX} AND due_at IS NULL",
    "quarantined": "count(*), min(received_at) FROM quarantine WHERE status = 'open'",
    "dead_letters": "count(*), min(first_at) FROM dead_letter WHERE status = 'open'",
    "discrepancies": "count(*), min(since) FROM open_discrepancy",
    "cases": "count(*), min(reported_at) FROM case_summary WHERE status <> 'resolved'",
    "change_requests": (
        "count(*), min(asked_at) FROM change_request"
        " WHERE decision IS NULL AND expires_at > clock_timestamp()"
    ),
    "deliveries": f"count(*), min(made_at) {_SENDING}",
    "deliveries_failing": f"count(*), min(made_at) {_SENDING} AND attempts > 0",
    "mails": "count(*), min(made_at) FROM mail WHERE status = 'waiting'",
    "jobs_failed": "count(*), NULL::timestamptz FROM procrastinate_jobs WHERE status = 'failed'",
}
"""How each kind is counted: how many there are, and since when the oldest waits."""

_WAITING = " UNION ALL ".join(
    f"SELECT '{name}', x.count, x.oldest, clock_timestamp()"
    f" FROM (SELECT {COUNTS[name]}) AS x(count, oldest)"
    for name in WAITING
)
_DISCREPANCIES = "SELECT kind, count(*) FROM open_discrepancy GROUP BY kind ORDER BY kind"
_QUARANTINED = (
    "SELECT code, count(*) FROM quarantine WHERE status = 'open' GROUP BY code ORDER BY code"
)
_WORKERS = (
    "SELECT role, count(*) FROM worker, unnest(roles) AS role"
    " WHERE stopped_at IS NULL AND beat_at > clock_timestamp() - %s GROUP BY role ORDER BY role"
)


class PostgresVitals:
    """The ``VitalsStore`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self) -> Counted:
        """What waits now."""
        with self._database.connection() as connection:
            rows = connection.execute(_WAITING.encode(), prepare=True).fetchall()
            discrepancies = connection.execute(_DISCREPANCIES).fetchall()
            quarantined = connection.execute(_QUARANTINED).fetchall()
            workers = connection.execute(_WORKERS, [BEAT_MAX], prepare=True).fetchall()
        return Counted(
            at=max(at for *_, at in rows),
            waiting={name: Waiting(count=count, oldest=oldest) for name, count, oldest, _ in rows},
            discrepancies=dict(discrepancies),
            quarantined=dict(quarantined),
            workers=dict(workers),
        )

    def workers(self) -> Mapping[str, int]:
        """Who works."""
        with self._database.connection() as connection:
            return dict(connection.execute(_WORKERS, [BEAT_MAX], prepare=True).fetchall())
