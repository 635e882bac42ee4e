"""Reads usage records from a request's bytes: fast where all is well, by the schema otherwise.

The schema of record is ``api/schemas/usage.py``. The fast path takes what the schema would take
and gives the same values (``tests/api/test_usage_decoder.py`` holds them together); whatever it
cannot take goes through the schema, item by item, so that each bad one is named.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import Annotated, Any

import msgspec
from marshmallow import ValidationError

from api.errors import TooLarge, sentences
from api.instants import Aware
from api.limits import PROPERTIES_MAX, RECORDS_PER_REQUEST_MAX, TEXT_MAX, YEARS
from api.request_body import parse_json
from api.schemas.usage import UsageRecordSchema
from domain.usage import UsageRecord

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=TEXT_MAX)]
_Id = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_-]{1,64}\Z")]
_Properties = Annotated[
    dict[_Text, Annotated[str, msgspec.Meta(max_length=TEXT_MAX)]],
    msgspec.Meta(max_length=PROPERTIES_MAX),
]


class _Item(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    source: _Text
    id: _Text
    organization: _Id
    meter: _Id
    value: _Text
    occurred_at: Aware
    attachment: _Id | msgspec.UnsetType | None = msgspec.UNSET
    properties: _Properties | msgspec.UnsetType = msgspec.UNSET


_DECODER = msgspec.json.Decoder(list[_Item])
_SCHEMA = UsageRecordSchema()
_FIELDS_REQUIRED = 6
DETAIL_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """An item that is no usage record. index: its place in the request. field: its first bad."""

    index: int
    id: str | None
    detail: str
    code: str = "invalid_record"
    field: str | None = None


@dataclass(slots=True, kw_only=True)
class Decoded:
    """What a request holds. places: where each of ``records`` stood in the request."""

    records: list[UsageRecord] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


def decode(body: bytes) -> Decoded:
    """Read a JSON array of usage records, or a single one.

    Raises:
        Malformed: the body is not JSON, or neither an array nor an object.
        TooLarge: it holds more than ``RECORDS_PER_REQUEST_MAX``.
    """
    records = decode_fast(body)
    if records is not None:
        return Decoded(records=records, places=list(range(len(records))))
    return decode_items(items_of(parse_json(body, Ambiguous)))


def decode_fast(body: bytes) -> list[UsageRecord] | None:
    """All records at once, or ``None`` where anything asks for a closer look."""
    if b"\\u0000" in body:
        return None
    try:
        items = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if len(items) > RECORDS_PER_REQUEST_MAX:
        return None
    names = _FIELDS_REQUIRED * len(items)
    records = []
    for item in items:
        attachment, properties = item.attachment, item.properties
        names += (attachment is not msgspec.UNSET) + (properties is not msgspec.UNSET)
        if properties is msgspec.UNSET:
            properties = {}
        names += len(properties)
        occurred_at = item.occurred_at
        if not YEARS[0] <= occurred_at.year <= YEARS[1]:
            return None
        records.append(
            UsageRecord(
                source=item.source,
                id=item.id,
                organization=item.organization,
                meter=item.meter,
                value=item.value,
                occurred_at=occurred_at.astimezone(UTC),
                attachment=attachment or "",
                properties=properties,
            )
        )
    # The decoder silently keeps the last of two fields with one name: count the names.
    # One that stands away from its colon would not be counted.
    plain = not any(blank + b":" in body for blank in (b" ", b"\t", b"\n", b"\r"))
    return records if plain and body.count(b'":') == names else None


def items_of(value: Any) -> list[Any]:
    """The items of a parsed body.

    Raises:
        TooLarge: they are more than ``RECORDS_PER_REQUEST_MAX``.
    """
    items = value if isinstance(value, list) else [value]
    if len(items) > RECORDS_PER_REQUEST_MAX:
        raise TooLarge(f"a request may hold at most {RECORDS_PER_REQUEST_MAX} usage records")
    return items


def decode_items(items: Iterable[Any], names: Mapping[str, str] | None = None) -> Decoded:
    """Read items by the schema of record.

    names: what the sender calls a field, where it is not our name.
    """
    decoded = Decoded()
    for index, item in enumerate(items):
        try:
            require_unambiguous(item)
            record = _SCHEMA.load(item)
        except ValidationError as error:
            decoded.rejected.append(rejection(index, item, error, names or {}))
        else:
            decoded.records.append(record)
            decoded.places.append(index)
    return decoded


class Ambiguous(dict[str, Any]):
    """An object of a body; it knows whether a field is named twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        counts = Counter(name for name, _ in pairs) if len(self) < len(pairs) else Counter()
        self.repeated = next((name for name, count in counts.items() if count > 1), None)


def require_unambiguous(item: Any) -> None:
    """Refuse an item that says two things of one field.

    Raises:
        ValidationError: it, or an object in it, names a field twice.
    """
    if not isinstance(item, Ambiguous):
        return
    if item.repeated is not None:
        raise ValidationError("is there twice", item.repeated)
    for inner in item.values():
        require_unambiguous(inner)


def rejection(index: int, item: Any, error: ValidationError, names: Mapping[str, str]) -> Rejected:
    """Why an item is no usage record, every field named."""
    told = [(_renamed(place, names), text) for place, text in sentences(error)]
    detail = "; ".join(f"{place}: {text}" for place, text in told)
    id_ = item.get("id") if isinstance(item, dict) else None
    return Rejected(
        index=index,
        id=_printable(id_[:TEXT_MAX]) if isinstance(id_, str) else None,
        detail=_printable(detail[:DETAIL_MAX]),
        field=_printable(told[0][0][:TEXT_MAX]),
    )


def _printable(text: str) -> str:
    """A text that UTF-8 can carry back to the sender."""
    return text.encode(errors="replace").decode()


def _renamed(place: str, names: Mapping[str, str]) -> str:
    first, dot, rest = place.partition(".")
    return names.get(first, first) + dot + rest
