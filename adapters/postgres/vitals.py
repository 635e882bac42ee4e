"""What waits and for how long, counted in PostgreSQL by short statements."""

from collections.abc import Mapping
from datetime import timedelta

from adapters.postgres.chaining import FOLLOWER
from adapters.postgres.database import Database
from adapters.postgres.lags import lag_of
from adapters.postgres.mails import PostgresMailOutage
from adapters.postgres.sync_queue import NORMAL
from application.endpoints import BY_HAND
from application.mail_server import MailOutage
from application.projector import Lag
from application.vitals import WAITING, Counted, Waiting

QUARANTINED = "quarantined"
BEAT_MAX = timedelta(seconds=30)
"""A worker that said nothing for so long is not counted."""

_OPEN_INBOX = "FROM webhook_inbox WHERE handled_at IS NULL"
_SENDING = "FROM webhook_delivery WHERE status = 'waiting'"

COUNTS: Mapping[str, str] = {
    "closings_due": (
        "count(*), min(next_duty_at) FROM cycle_head WHERE next_duty_at <= statement_timestamp()"
    ),
    "held": "count(*), NULL::timestamptz FROM invoice_summary WHERE held IS NOT NULL",
    "webhooks": f"count(*), min(received_at) {_OPEN_INBOX} AND due_at IS NOT NULL",
    "webhooks_failing": (
        f"count(*), min(received_at) {_OPEN_INBOX}"
        " AND last_error IS NOT NULL AND due_at IS NOT NULL"
    ),
    "webhooks_parked": f"count(*), min(received_at) {_OPEN_INBOX} AND due_at IS NULL",
    "dead_letters": "count(*), min(first_at) FROM dead_letter WHERE status = 'open'",
    "discrepancies": "count(*), min(since) FROM open_discrepancy",
    "cases": "count(*), min(reported_at) FROM case_summary WHERE status <> 'resolved'",
    "change_requests": (
        "count(*), min(asked_at) FROM change_request"
        " WHERE decision IS NULL AND (expires_at > clock_timestamp() OR begun_by IS NOT NULL)"
    ),
    "deliveries": f"count(*), min(made_at) {_SENDING}",
    "deliveries_failing": f"count(*), min(made_at) {_SENDING} AND attempts > 0",
    "endpoints_disabled": (
        "count(*), NULL::timestamptz FROM webhook_endpoint"
        f" WHERE NOT enabled AND disabled_reason <> '{BY_HAND}'"
    ),
    "mails": "count(*), min(made_at) FROM mail WHERE status = 'waiting'",
    "mails_due": (
        "count(*), min(greatest(due_at, made_at)) FROM mail"
        " WHERE status = 'waiting' AND due_at <= statement_timestamp()"
    ),
    "mails_failing": (
        "count(*), min(made_at) FROM mail WHERE status = 'waiting' AND error IS NOT NULL"
    ),
    "mails_given_up": "count(*), min(made_at) FROM mail WHERE status = 'given_up'",
    "mails_unaddressed": "count(*), min(made_at) FROM notice WHERE mail_due",
    "sign_in_mails": "count(*), min(at) FROM sign_in_request WHERE address IS NOT NULL",
    "updates_due": (
        "count(*), min(due_at) FROM invoice_update WHERE due_at <= statement_timestamp()"
    ),
    "jobs_failed": "count(*), NULL::timestamptz FROM procrastinate_jobs WHERE status = 'failed'",
}
"""How a kind is counted: how many there are, and since when the oldest waits."""

SYNCS: Mapping[str, str] = {
    "syncs": "count(*), min(least(greatest(dirty_since, allowed_at), clock_timestamp()))",
    "syncs_due": "count(*) FILTER (WHERE due), min(due_at) FILTER (WHERE due)",
    "syncs_spaced": "count(*) FILTER (WHERE spaced), min(dirty_since) FILTER (WHERE spaced)",
    "syncs_under_way": "count(*) FILTER (WHERE lease_token IS NOT NULL), NULL::timestamptz",
    "syncs_failing": "count(*) FILTER (WHERE failing), min(dirty_since) FILTER (WHERE failing)",
    "syncs_parked": "count(*) FILTER (WHERE parked), min(dirty_since) FILTER (WHERE parked)",
}
"""The same of the queue of syncs, which is long at times and so is read once."""

_WAITING = " UNION ALL ".join(
    f"SELECT '{name}', x.count, x.oldest FROM (SELECT {how}) AS x(count, oldest)"
    for name, how in COUNTS.items()
)
_SYNCS = f"""
    SELECT {", ".join(SYNCS.values())} FROM (SELECT q.*, attempts > 0 AND NOT parked AS failing,
        lease_token IS NULL AND NOT parked AND due_at <= clock_timestamp() AS due, allowed_at,
        lease_token IS NULL AND NOT parked AND due_at > clock_timestamp()
            AND due_at = allowed_at AS spaced
        FROM sync_queue q LEFT JOIN last_sync l USING (cycle),
            LATERAL (SELECT CASE WHEN priority = {NORMAL} THEN next_at END) AS a(allowed_at)) AS s
"""
_NOW = "SELECT clock_timestamp()"
_DISCREPANCIES = "SELECT kind, count(*) FROM open_discrepancy GROUP BY kind ORDER BY kind"
_QUARANTINED = (
    "SELECT code, count(*), min(received_at) FROM quarantine WHERE status = 'open'"
    " GROUP BY code ORDER BY code"
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
            (syncs,) = connection.execute(_SYNCS.encode(), prepare=True).fetchall()
            quarantined = connection.execute(_QUARANTINED).fetchall()
            discrepancies = connection.execute(_DISCREPANCIES).fetchall()
            workers = connection.execute(_WORKERS, [BEAT_MAX], prepare=True).fetchall()
            ((now,),) = connection.execute(_NOW).fetchall()
        waiting = {name: Waiting(count=count, oldest=oldest) for name, count, oldest in rows}
        for place, name in enumerate(SYNCS):
            waiting[name] = Waiting(count=syncs[2 * place], oldest=syncs[2 * place + 1])
        waiting[QUARANTINED] = Waiting(
            count=sum(count for _, count, _ in quarantined),
            oldest=min((oldest for *_, oldest in quarantined), default=None),
        )
        return Counted(
            at=now,
            waiting={name: waiting[name] for name in WAITING},
            discrepancies=dict(discrepancies),
            quarantined={code: count for code, count, _ in quarantined},
            workers=dict(workers),
        )

    def chain(self) -> Lag:
        """How far the chain is behind the log."""
        with self._database.connection() as connection:
            return lag_of(connection, FOLLOWER)

    def mail_outage(self) -> MailOutage | None:
        """That no e-mail goes out."""
        return PostgresMailOutage(self._database).outage()

    def workers(self) -> Mapping[str, int]:
        """Who works."""
        with self._database.connection() as connection:
            return dict(connection.execute(_WORKERS, [BEAT_MAX], prepare=True).fetchall())
