"""Usage records that arrive as CloudEvents 1.0: structured, in batches, or with binary headers.

Source: https://github.com/cloudevents/spec (JSON event format and HTTP protocol binding).
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from marshmallow import ValidationError

from api.schemas.usage import UsageDataSchema
from api.usage_decoder import (
    Decoded,
    Rejected,
    decode_items,
    items_of,
    rejection,
    require_unambiguous,
)

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
_PREFIX = "ce-"

NAMES: Mapping[str, str] = {
    "occurred_at": "time",
    "organization": "subject",
    "meter": "type",
    "value": "data.value",
    "attachment": "data.attachment",
    "properties": "data.properties",
}
"""Our field -> where a CloudEvent carries it. ``source`` and ``id`` are the same."""

_DATA = UsageDataSchema()


def is_binary(headers: Mapping[str, str]) -> bool:
    """Whether a request carries one event in its headers (lower case), its data in the body."""
    return f"{_PREFIX}specversion" in headers


def from_headers(headers: Mapping[str, str], data: Any) -> dict[str, Any]:
    """The structured form of a binary event. headers: in lower case."""
    attributes = {
        name.removeprefix(_PREFIX): unquote(text)
        for name, text in headers.items()
        if name.startswith(_PREFIX)
    }
    return {**attributes, "data": data}


def decode_events(value: Any) -> Decoded:
    """Read one event or a batch; extension attributes do not matter to us.

    Raises:
        TooLarge: there are too many.
    """
    decoded = Decoded()
    for index, event in enumerate(items_of(value)):
        one = _decode(event)
        decoded.records += one.records
        decoded.places += [index] * len(one.records)
        decoded.rejected += [
            Rejected(index=index, id=each.id, detail=each.detail) for each in one.rejected
        ]
    return decoded


def _decode(event: Any) -> Decoded:
    try:
        item = _usage(event)
    except ValidationError as error:
        return Decoded(rejected=[rejection(0, event, error, {})])
    return decode_items([item], NAMES)


def _usage(event: Any) -> dict[str, Any]:
    """A usage record's JSON from a CloudEvent's."""
    if not isinstance(event, dict):
        raise ValidationError("must be an object")
    require_unambiguous(event)
    if event.get("specversion") != "1.0":
        raise ValidationError("must be 1.0", "specversion")
    data = event.get("data")
    errors = _DATA.validate(data) if isinstance(data, dict) else ["must be an object"]
    if errors:
        raise ValidationError({"data": errors})
    wanted = {ours: event[name] for ours, name in NAMES.items() if name in event}
    same = {name: event[name] for name in ("source", "id") if name in event}
    return {**wanted, **same, **(data or {})}
