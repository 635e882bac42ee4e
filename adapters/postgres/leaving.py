"""What keeps a month in the log: everything of it that is still to come, each with what to do."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from psycopg import Connection

from adapters.postgres.database import Rows
from adapters.postgres.organizations import read_organization
from application.archiving import Month
from domain.billing_cycle import OUTSTANDING, UNISSUED
from domain.case import RESOLVED
from domain.errors import RuleViolation
from domain.events.usage import micros
from domain.policies import LATE_LIMIT_MAX

_OF_IT = "h.cycle_id >= %(first)s AND h.cycle_id < %(after)s"
_EVENTS = (
    "SELECT max(notification_id) FROM cyclebook_events"
    " WHERE originator_id >= %(first)s AND originator_id < %(after)s"
)
# Each names the cycles that stand in the way; the words say what to do.
_WAITING = {
    "not issued; wait until it is": f"""
        SELECT h.cycle FROM cycle_head h WHERE {_OF_IT} AND h.status = ANY(%(unissued)s)
    """,
    "not paid; wait for the money, or void it": f"""
        SELECT h.cycle FROM cycle_head h WHERE {_OF_IT} AND h.status = ANY(%(outstanding)s)
    """,
    "with late facts that nobody has billed; wait for the invoice that does": f"""
        SELECT h.cycle FROM cycle_head h WHERE {_OF_IT} AND h.late_open
    """,
    "with sums that are being made anew; wait for the workers": f"""
        SELECT h.cycle FROM cycle_head h WHERE {_OF_IT} AND (h.tallies_stale OR h.late_stale)
    """,
    "with a sync to come; see cyclebook syncs": f"""
        SELECT h.cycle FROM cycle_head h JOIN sync_queue q USING (cycle) WHERE {_OF_IT}
    """,
    "not proved at Stripe; see cyclebook audit": f"""
        SELECT h.cycle FROM cycle_head h JOIN invoice_summary s USING (cycle_id)
        WHERE {_OF_IT} AND (s.stripe_state IN ('pending', 'failed', 'drift')
            OR EXISTS (SELECT FROM open_discrepancy d WHERE d.stripe_id = s.stripe_id))
    """,
    "with an open case; resolve it": f"""
        SELECT h.cycle FROM cycle_head h JOIN case_summary c USING (cycle)
        WHERE {_OF_IT} AND c.status <> '{RESOLVED}'
    """,
    "with a webhook that is not handled; see cyclebook webhooks": f"""
        SELECT h.cycle FROM cycle_head h JOIN webhook_inbox w USING (cycle)
        WHERE {_OF_IT} AND w.handled_at IS NULL
    """,
}
# By how many cycles began since; a policy may ask for no more than so many.
_BEGUN_SINCE = f"""
    SELECT cycle, organization, begun FROM (
        SELECT h.cycle, h.organization, (SELECT count(*) FROM cycle_head later
            WHERE later.organization = h.organization AND later.starts > h.starts
                AND later.starts <= %(now)s) AS begun
        FROM cycle_head h WHERE {_OF_IT}) AS counted
    WHERE begun <= %(limit)s
"""
_BEHIND = (
    "SELECT application_name FROM projection_tracking WHERE notification_id < %(last)s"
    " UNION SELECT name FROM unnest(%(followers)s::text[]) AS name"
    " WHERE name NOT IN (SELECT application_name FROM projection_tracking)"
)
_AFTER = "SELECT EXISTS (SELECT FROM cyclebook_events WHERE notification_id > %(last)s)"
FOLLOWERS = ("cyclebook", "chain")
"""Whoever follows the log, by its name in ``projection_tracking``."""


def require_over(
    connection: Connection[Rows], month: Month, ids: tuple[UUID, UUID], now: datetime
) -> None:
    """Whether nothing more is to come of a month.

    Raises:
        RuleViolation: something is; all of it is told.
    """
    values = {
        "first": ids[0],
        "after": ids[1],
        "now": micros(now),
        "limit": LATE_LIMIT_MAX,
        "unissued": [each.value for each in UNISSUED],
        "outstanding": [each.value for each in OUTSTANDING],
        "followers": list(FOLLOWERS),
    }
    if reasons := [*_cycles_in_the_way(connection, values), *_log_in_the_way(connection, values)]:
        raise RuleViolation(
            f"{month} stays in the log: {'; '.join(reasons)}", code="month_in_use", month=str(month)
        )


def _cycles_in_the_way(connection: Connection[Rows], values: dict[str, object]) -> Iterator[str]:
    for words, query in _WAITING.items():
        found = sorted(cycle for (cycle,) in connection.execute(query.encode(), values))
        if found:
            yield _told(found, words)
    late = sorted(_still_late(connection, values))
    if late:
        yield _told(
            late,
            "for which late facts are still taken; wait until more cycles have begun than the "
            "policy late_limit_cycles says, or set late_facts to reject",
        )


def _still_late(connection: Connection[Rows], values: dict[str, object]) -> Iterator[str]:
    """Cycles whose organization would take a late fact of them today."""
    known: dict[str, int] = {}
    for cycle, organization, begun in connection.execute(_BEGUN_SINCE.encode(), values).fetchall():
        if organization not in known:
            policy = read_organization(connection, organization).policy
            rejects = policy("late_facts") == "reject"
            known[organization] = -1 if rejects else int(str(policy("late_limit_cycles")))
        if begun <= known[organization]:
            yield cycle


def _log_in_the_way(connection: Connection[Rows], values: dict[str, object]) -> Iterator[str]:
    row = connection.execute(_EVENTS, values).fetchone()
    last = {**values, "last": row[0] if row and row[0] else 0}
    behind = [name for (name,) in connection.execute(_BEHIND, last)]
    if behind:
        yield f"{', '.join(sorted(behind))} has not read all of it; wait for the workers"
    after = connection.execute(_AFTER, last).fetchone()
    if after is None or not after[0]:
        yield (
            "the log's last event is of this month; one usage record or one change elsewhere, of "
            "a running cycle say, is enough to go on"
        )


def _told(cycles: list[str], words: str) -> str:
    more = f" and {len(cycles) - 1} more" if len(cycles) > 1 else ""
    return f"{cycles[0]}{more}: {words}"
