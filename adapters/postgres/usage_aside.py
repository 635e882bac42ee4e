"""Usage records set aside: conflicts, and what has no place yet. Nothing sent is ever lost."""

from collections.abc import Iterable
from uuid import UUID

import msgspec
from psycopg import Cursor

from adapters.postgres.database import Rows
from adapters.postgres.usage_plan import Entry, Quarantined, Request

CONFLICTS = (
    "INSERT INTO usage_conflict (key, content, cycle_no, version, received)"
    " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
)
QUARANTINE = (
    "INSERT INTO quarantine (key, content, organization, record, code, detail, actor)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (key, content) WHERE status = 'open'"
    " DO UPDATE SET code = excluded.code, detail = excluded.detail"
)


def keep_conflicts(cursor: Cursor[Rows], conflicts: Iterable[tuple[Entry, int, int]]) -> None:
    """Keep records whose id was taken with other content: (entry, cycle number, version)."""
    for entry, cycle_no, version in conflicts:
        record = received(entry.request, entry.index)
        cursor.execute(CONFLICTS, [UUID(bytes=entry.key), entry.content, cycle_no, version, record])


def keep_quarantined(cursor: Cursor[Rows], items: Iterable[Quarantined]) -> None:
    """Keep records that can be replayed later; in one order, so that writers never deadlock."""
    for item in sorted(items, key=lambda each: each.key):
        sent = item.request.records[item.index]
        item.request.refusals[item.index] = item.refusal
        cursor.execute(
            QUARANTINE,
            [
                UUID(bytes=item.key),
                item.content,
                sent.organization,
                received(item.request, item.index),
                item.refusal.code,
                item.refusal.detail,
                item.request.actor,
            ],
        )


def received(request: Request, index: int) -> str:
    """A record as it was sent, as JSON."""
    return msgspec.json.encode(request.records[index]).decode()
