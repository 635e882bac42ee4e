"""Takes a broker's message apart, by the rules of ``POST /v1/usage``.

The content type says what it is, JSON where it says nothing. A part of it is its own bytes, so that
nothing of what was sent is lost or changed.
"""

import json
from dataclasses import replace

import msgspec

from api.cloud_events import BATCH, STRUCTURED, decode_events
from api.errors import Malformed, TooLarge, UnsupportedMedia
from api.limits import BODY_BYTES_MAX
from api.request_body import JSON, parse_json
from api.usage_decoder import Ambiguous, Decoded, decode
from application.messages import Contents, Message, Poison

_PARTS = msgspec.json.Decoder(list[msgspec.Raw])


def read(message: Message) -> Contents:
    """What a message holds. What cannot be read is in it as poison, nothing is raised."""
    contents = Contents(part=_Parts(message))
    try:
        decoded = _decoded(message)
    except (Malformed, TooLarge, UnsupportedMedia) as error:
        contents.poison = [Poison(message=message, code=error.code, detail=str(error))]
        return contents
    contents.records, contents.places = decoded.records, decoded.places
    contents.poison = [
        Poison(
            message=contents.part(each.index),
            code=each.code,
            detail=each.detail,
            index=each.index,
        )
        for each in decoded.rejected
    ]
    return contents


def _decoded(message: Message) -> Decoded:
    if message.content_encoding not in ("", "identity", "utf-8"):
        raise UnsupportedMedia("send the message as it is, without a content encoding")
    if len(message.body) > BODY_BYTES_MAX:
        raise TooLarge(f"a message may have at most {BODY_BYTES_MAX >> 20} MiB")
    kind = _kind(message)
    if kind == JSON:
        return decode(message.body)
    if kind not in (STRUCTURED, BATCH):
        raise UnsupportedMedia(f"send the message as {JSON}, {STRUCTURED} or {BATCH}")
    value = parse_json(message.body, Ambiguous)
    if isinstance(value, list) != (kind == BATCH):
        wanted = "an array" if kind == BATCH else "one event"
        raise UnsupportedMedia(f"a message of type {kind} is {wanted}")
    return decode_events(value)


class _Parts:
    """A message cut down to one of its items; one that is no array is its own only item."""

    def __init__(self, message: Message) -> None:
        self._message = message
        self._items: list[bytes] = []

    def __call__(self, index: int) -> Message:
        """The message with this item as its body."""
        message = self._message
        if not message.body.lstrip().startswith(b"["):
            return message
        self._items = self._items or _items(message.body)
        return replace(
            message,
            body=self._items[index],
            content_type=STRUCTURED if _kind(message) == BATCH else message.content_type,
        )


def _kind(message: Message) -> str:
    return message.content_type.partition(";")[0].strip().lower() or JSON


def _items(body: bytes) -> list[bytes]:
    try:
        return [bytes(item) for item in _PARTS.decode(body)]
    except (msgspec.DecodeError, UnicodeDecodeError):
        # One reads what the other does not, such as half of a surrogate pair.
        return [json.dumps(item).encode() for item in json.loads(body)]
