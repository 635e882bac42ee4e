"""Usage records set aside: conflicts, and what has no place yet. Nothing sent is ever lost."""

from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec
from psycopg import Cursor

from adapters.postgres import arrays
from adapters.postgres.database import Rows
from adapters.postgres.usage_keys import canonical, content_hash, packed
from adapters.postgres.usage_plan import Entry, Quarantined, Request
from domain.errors import InvalidInput
from domain.events.usage import micros
from domain.usage import CONFLICT, DUPLICATE

CONFLICTS = (
    "INSERT INTO usage_conflict (key, content, cycle_no, version, received)"
    " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
)
KNOWN = "SELECT key, content, cycle_no, version FROM usage_dedup WHERE key = ANY(%b)"
QUARANTINE = (
    "INSERT INTO quarantine (key, content, organization, record, code, detail, actor)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (key, content) WHERE status = 'open'"
    " DO UPDATE SET code = excluded.code, detail = excluded.detail"
)


def known(
    cursor: Cursor[Rows], items: Iterable[Entry | Quarantined]
) -> dict[bytes, tuple[int, int, int]]:
    """What was accepted under the keys of some records: (content, cycle number, version)."""
    keys = arrays.uuids(sorted({item.key for item in items}))
    found = cursor.execute(KNOWN, [keys], prepare=True).fetchall()
    return {key: (content, cycle_no, version) for key, content, cycle_no, version in found}


def without_known(cursor: Cursor[Rows], items: Sequence[Quarantined]) -> list[Quarantined]:
    """What has no place and was never accepted. The rest are duplicates and conflicts, whatever
    else is wrong with them now: they are told so, and conflicts are kept.
    """
    taken = known(cursor, items) if items else {}
    for item in items:
        if item.key in taken:
            content, cycle_no, version = taken[item.key]
            same = content in (item.content, _as_accepted(item))
            item.request.refusals[item.index] = DUPLICATE if same else CONFLICT
            if not same:
                keep_conflicts(cursor, [(item, cycle_no, version)])
    return [item for item in items if item.key not in taken]


def _as_accepted(item: Quarantined) -> int | None:
    """The content that it would have had with a place, if its value is a number."""
    sent = item.request.records[item.index]
    try:
        text, _ = canonical(sent.value)
    except InvalidInput:  # a meter of texts may have taken it: just as it was sent
        return None
    return content_hash(sent.organization, packed(sent, text, micros(sent.occurred_at)))


def keep_conflicts(
    cursor: Cursor[Rows], conflicts: Iterable[tuple[Entry | Quarantined, int, int]]
) -> None:
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
