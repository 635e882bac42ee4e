"""Usage in, and what could not be placed."""

from collections import Counter
from typing import Any

from flask import g, request
from marshmallow import fields

from api.auth import READERS, REPORTERS, STAFF
from api.cloud_events import BATCH, STRUCTURED, decode_events, from_headers, is_binary
from api.context import now, rate_limits, wired
from api.endpoint import principal
from api.errors import problem
from api.openapi import ApiBook
from api.request_body import JSON, parse_json, raw_body
from api.schemas.fields import Strict
from api.schemas.quarantine import (
    QuarantineActionQuery,
    QuarantineActionSchema,
    QuarantinePageSchema,
    QuarantineQuery,
    QuarantineReportSchema,
)
from api.schemas.usage import (
    FoundUsagePageSchema,
    ReceivedSchema,
    UsageRecordSchema,
    UsageSearch,
)
from api.usage_decoder import Ambiguous, Decoded, decode
from application.ports import Appended
from application.quarantine import QuarantinePage
from application.replay_preview import ReplayPreview
from application.usage_records import UsagePage, Wanted
from domain.errors import InvalidInput, NotFound
from domain.usage import Outcome

book = ApiBook("usage")

NOTHING: dict[str, Any] = {
    "replayed": 0,
    "still_quarantined": 0,
    "refused": 0,
    "dismissed": 0,
    "position": 0,
    "invoices": (),
    "more": False,
}
"""What became of the quarantine where nothing did."""

RECORD = {
    "source": "fra-7",
    "id": "0197e0a4-6d3c-7c11-b9a1-0f6a4d1c2b3a",
    "organization": "acme",
    "meter": "cpu",
    "value": "12.5",
    "occurred_at": "2026-01-05T10:00:00Z",
    "attachment": "a1",
    "properties": {"region": "fra"},
}

_EVENT: dict[str, Any] = {
    "type": "object",
    "description": "CloudEvents 1.0: time, subject (organization), type (meter), data",
    "required": ["specversion", "id", "source", "type", "subject", "time", "data"],
}


AT_FAULT = {
    "conflict": "id",
    "in_the_future": "occurred_at",
    "invalid_value": "value",
    "late_rejected": "occurred_at",
    "no_cycle": "occurred_at",
    "organization_closed": "occurred_at",
    "too_late": "occurred_at",
    "unknown_attachment": "attachment",
    "unknown_meter": "meter",
    "unknown_organization": "organization",
    "unusable_value": "value",
}
"""The field of a record that a refusal is about, by its code."""


class UsageQuery(Strict):
    """``dry_run`` looks at the records and stores nothing."""

    dry_run = fields.Boolean(load_default=False, truthy={"true", "1"}, falsy={"false", "0"})


@book.op(
    "POST",
    "/v1/usage",
    roles=REPORTERS,
    query=UsageQuery(),
    out=ReceivedSchema(),
    consumes={
        JSON: {"oneOf": [UsageRecordSchema, {"type": "array", "items": UsageRecordSchema}]},
        STRUCTURED: _EVENT,
        BATCH: {"type": "array", "items": _EVENT},
    },
    example=[RECORD],
    limited=False,
)
def record_usage(query: dict[str, Any]) -> Any:
    """Record usage, each (source, id) once.

    One bad item never fails the others: the answer lists those that were not accepted. Safe to
    send again. CloudEvents are taken structured, in batches and with binary headers.
    """
    decoded = _decoded()
    if (limit := rate_limits().records) is not None:
        g.rate = limit.take(principal().actor, len(decoded.records))
    if query["dry_run"] or not decoded.records:
        appended = Appended()
    else:
        actor = principal().actor
        appended = wired().recording.record(decoded.records, actor=actor, now=now())
    answer = _received(decoded, appended)
    if answer["rejected"] and answer["rejected"] == len(decoded.records) + len(decoded.rejected):
        first = answer["items"][0]
        detail = f"no usable record; item {first['index']}: {first['detail']}"
        return problem(422, "invalid_input", detail, **answer)
    return answer


def _decoded() -> Decoded:
    body = raw_body(request, (JSON, STRUCTURED, BATCH))
    headers = {name.lower(): text for name, text in request.headers}
    if request.mimetype == JSON and not is_binary(headers):
        return decode(body)
    value = parse_json(body, Ambiguous)
    if request.mimetype == JSON:
        return decode_events(from_headers(headers, value))
    if isinstance(value, list) != (request.mimetype == BATCH):
        kind = "an array" if request.mimetype == BATCH else "one event"
        raise InvalidInput(f"a body of type {request.mimetype} is {kind}", field="body")
    return decode_events(value)


def _received(decoded: Decoded, appended: Appended) -> dict[str, Any]:
    counts = Counter(refusal.outcome for refusal in appended.refusals.values())
    counts[Outcome.REJECTED] += len(decoded.rejected)
    items: list[dict[str, Any]] = [
        {
            "index": decoded.places[place],
            "id": decoded.records[place].id,
            "outcome": refusal.outcome.value,
            "code": refusal.code,
            "detail": refusal.detail,
            "field": AT_FAULT.get(refusal.code),
        }
        for place, refusal in appended.refusals.items()
    ]
    items += [
        {
            "index": each.index,
            "id": each.id,
            "outcome": Outcome.REJECTED.value,
            "code": each.code,
            "detail": each.detail,
            "field": each.field,
        }
        for each in decoded.rejected
    ]
    return {
        "accepted": len(decoded.records) - len(appended.refusals),
        "duplicates": counts[Outcome.DUPLICATE],
        "conflicts": counts[Outcome.CONFLICT],
        "rejected": counts[Outcome.REJECTED],
        "quarantined": counts[Outcome.QUARANTINED],
        "late": appended.late,
        "items": sorted(items, key=lambda item: item["index"]),
        "position": appended.position,
    }


@book.op(
    "GET",
    "/v1/usage",
    roles=READERS,
    query=UsageSearch(),
    out=FoundUsagePageSchema(),
    also=frozenset({404}),
)
def find_usage(query: dict[str, Any]) -> UsagePage:
    """Usage records in the books, with what rates each.

    Of one organization, which a key of its own implies. ``source`` and ``id`` together find the
    record at once. Where conditions are rare a page may be short: go on while there is a cursor.
    """
    cursor, limit = query.pop("cursor"), query.pop("limit")
    query["organization"] = _organization(query["organization"])
    return wired().usage_records.page(Wanted(**query), cursor, limit)


def _organization(asked: str | None) -> str:
    """The organization asked for, or the key's own."""
    own = principal().organization
    if own is not None and asked not in (None, own):
        raise NotFound(f"there is no organization {asked}")
    organization = own or asked
    if organization is None:
        raise InvalidInput("say whose usage", field="organization")
    return organization


@book.op("GET", "/v1/quarantine", roles=STAFF, query=QuarantineQuery(), out=QuarantinePageSchema())
def list_quarantine(query: dict[str, Any]) -> QuarantinePage:
    """Usage records that could not be placed."""
    return wired().quarantine.list(query["status"], query["cursor"], query["limit"])


@book.op(
    "POST",
    "/v1/quarantine",
    roles=STAFF,
    query=QuarantineActionQuery(),
    body=QuarantineActionSchema(),
    out=QuarantineReportSchema(),
    example={"action": "replay", "reason": "meter cpu is defined now"},
)
def resolve_quarantine(query: dict[str, Any], body: dict[str, Any]) -> Any:
    """Record quarantined usage again, or dismiss it, with a reason.

    ``dry_run`` shows by how much a replay would change which invoices.
    """
    quarantine, ids, reason = wired().quarantine, body.get("ids"), body["reason"]
    actor = principal().actor
    if body["action"] == "replay":
        if query["dry_run"]:
            return _previewed(wired().replay_previews.preview(ids, actor=actor, now=now()))
        done = quarantine.replay(ids, reason, actor=actor, now=now())
        return NOTHING | {
            "replayed": done.replayed,
            "still_quarantined": done.still_quarantined,
            "refused": done.refused,
            "position": done.position,
        }
    if ids is None:
        raise InvalidInput("name the entries to dismiss", field="ids")
    if query["dry_run"]:
        raise InvalidInput("a dismissal changes no invoice: only a replay has one", field="dry_run")
    return NOTHING | {"dismissed": quarantine.dismiss(ids, reason, actor=actor)}


def _previewed(shown: ReplayPreview) -> dict[str, Any]:
    return NOTHING | {
        "replayed": shown.placed,
        "still_quarantined": shown.waiting,
        "refused": shown.refused,
        "invoices": shown.invoices,
        "more": shown.more,
    }
