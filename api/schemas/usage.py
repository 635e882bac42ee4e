"""Usage records, and what became of them."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, post_load, validate

from api.limits import PROPERTIES_MAX
from api.schemas.fields import (
    Entries,
    Identifier,
    Instant,
    Page,
    Strict,
    Text,
    decimal_text,
)
from domain.usage import UsageRecord


class Value(Text):
    """What was used: a decimal in a string; any text where the meter counts distinct values."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        return super()._deserialize(decimal_text(value), attr, data, **kwargs)


class Properties(Entries):
    """Names and values that a meter may keep apart, or that explain a record."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(keys=Text(), values=Text(shortest=0), validate=_few_properties, **kwargs)


def _few_properties(value: dict[str, str]) -> None:
    if len(value) > PROPERTIES_MAX:
        raise ValidationError(f"must have at most {PROPERTIES_MAX} entries")


class UsageRecordSchema(Strict):
    """One report of usage. ``source`` and ``id`` together make a retry harmless."""

    source = Text(required=True)
    id = Text(required=True)
    organization = Identifier(required=True)
    meter = Identifier(required=True)
    value = Value(required=True)
    occurred_at = Instant(required=True)
    attachment = Identifier(load_default=None, allow_none=True)
    properties = Properties(load_default=dict)

    @post_load
    def to_record(self, data: dict[str, Any], **_: Any) -> UsageRecord:
        """The record as the domain knows it."""
        data["attachment"] = data["attachment"] or ""
        return UsageRecord(**data)


class UsageEntrySchema(Strict):
    """A usage record behind a line."""

    source = fields.String(required=True)
    id = fields.String(required=True)
    value = fields.String(required=True)
    occurred_at = Instant(required=True)
    attachment = fields.Function(
        lambda record: record.attachment or None, metadata={"type": ["string", "null"]}
    )
    properties = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class RatedBySchema(Strict):
    """The attachment that carries a price, and the version of it."""

    attachment = fields.String(required=True)
    price = fields.String(required=True)


class RecordedUsageSchema(UsageEntrySchema):
    """A usage record as it was sent."""

    organization = fields.String(required=True)
    meter = fields.String(required=True)


class FoundUsageSchema(UsageEntrySchema):
    """A usage record in the books. ``rated_by`` is ``null`` while it is unpriced."""

    organization = fields.String(required=True)
    meter = fields.String(required=True)
    cycle = fields.String(required=True)
    version = fields.Integer(required=True)
    recorded_at = Instant(required=True)
    rated_by = fields.Nested(RatedBySchema, required=True, allow_none=True)


class FoundUsagePageSchema(Strict):
    """A page of usage records, cycle by cycle as they were recorded.

    It may be short, even empty: go on while there is a ``next_cursor``.
    """

    data = fields.List(fields.Nested(FoundUsageSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class UsageSearch(Page):
    """Which usage records. An organization's own key may leave ``organization`` out."""

    organization = Identifier(load_default=None)
    meter = Identifier(load_default=None)
    source = Text(load_default=None)
    id = Text(load_default=None)
    start = Instant(load_default=None, data_key="from")
    end = Instant(load_default=None, data_key="to")
    cursor = Text(load_default=None)


class OutcomeSchema(Strict):
    """What became of a record that was not accepted.

    ``index``: its place in the request. ``field``: the first one at fault, where it is one.
    """

    index = fields.Integer(required=True)
    id = fields.String(required=True, allow_none=True)
    outcome = fields.String(
        required=True,
        validate=validate.OneOf(["duplicate", "conflict", "rejected", "quarantined"]),
    )
    code = fields.String(required=True)
    detail = fields.String(required=True)
    field = fields.String(required=True, allow_none=True)


class ReceivedSchema(Strict):
    """Counts by outcome; ``items`` lists those not accepted. Read with ``at_least=position``.

    ``late``: of those accepted, how many came after their cycle's usage cut-off.
    """

    accepted = fields.Integer(required=True)
    duplicates = fields.Integer(required=True)
    conflicts = fields.Integer(required=True)
    rejected = fields.Integer(required=True)
    quarantined = fields.Integer(required=True)
    late = fields.Integer(required=True)
    items = fields.List(fields.Nested(OutcomeSchema), required=True)
    position = fields.Integer(required=True)


class UsageDataSchema(Strict):
    """The ``data`` of a CloudEvent that reports usage."""

    value = Value(required=True)
    attachment = Identifier(allow_none=True)
    properties = Properties()
