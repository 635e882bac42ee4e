"""The kinds of fields our JSON is made of: ids, texts, exact numbers, instants, amounts."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from api.instants import format_instant, parse_instant
from api.limits import (
    AMOUNT_MAX,
    PAGE_SIZE_DEFAULT,
    PAGE_SIZE_MAX,
    SENTENCE_MAX,
    TEXT_MAX,
)
from domain.errors import InvalidInput
from domain.pricing.fields import IDENTIFIER
from domain.quantity import plain, quantity

PATTERN = "^[a-z0-9_-]{1,64}$"
CYCLE_PATTERN = r"^[a-z0-9_-]{1,64}\.[0-9]{4}-[0-9]{2}-[0-9]{2}$"


WORDS: Mapping[type[fields.Field[Any]], str] = {
    fields.Integer: "must be a whole number",
    fields.Boolean: "must be true or false",
    fields.String: "must be a string",
    fields.List: "must be an array",
    fields.Dict: "must be an object",
    fields.Nested: "must be an object",
}
"""What we say of a value of the wrong kind."""


class Strict(Schema):
    """Base of every schema: unknown fields are refused by name, and in our words."""

    error_messages = {"unknown": "unknown field", "type": "must be an object"}  # noqa: RUF012

    class Meta:
        unknown = RAISE

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Give a field of the schema, and the ones within a list or an object, our words."""
        field_obj.error_messages |= {"required": "is required", "null": "must not be null"}
        kind = next((text for each, text in WORDS.items() if isinstance(field_obj, each)), None)
        if kind is not None:
            field_obj.error_messages |= {"invalid": kind, "type": kind}
        if isinstance(field_obj, fields.List):
            self.on_bind_field(field_name, field_obj.inner)
        if isinstance(field_obj, fields.Dict) and field_obj.value_field is not None:
            self.on_bind_field(field_name, field_obj.value_field)


class Page(Strict):
    """Base of the queries that page through a list: hand ``next_cursor`` back as ``cursor``."""

    limit = fields.Integer(
        load_default=PAGE_SIZE_DEFAULT,
        validate=validate.Range(1, PAGE_SIZE_MAX),
        metadata={"description": "rows at most"},
    )


class Text(fields.String):
    """One to so many characters, none of them a control character, that UTF-8 can carry."""

    def __init__(self, longest: int = TEXT_MAX, *, shortest: int = 1, **kwargs: Any) -> None:
        super().__init__(validate=validate.Length(shortest, longest), **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        if not isinstance(value, str):
            raise ValidationError("must be a string")
        if "\0" in value:
            raise ValidationError("must not hold a NUL character")
        if not value.isascii():
            _require_encodable(value)
        return value


class ListQuery(Strict):
    """The query of a list that is mostly shorter than a page."""

    limit = fields.Integer(
        load_default=PAGE_SIZE_MAX,
        validate=validate.Range(1, PAGE_SIZE_MAX),
        metadata={"description": "rows at most"},
    )
    cursor = Text(shortest=0, load_default="")


class Entries(fields.Dict):
    """An object whose names the sender chooses; a bad entry is named like a field."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        try:
            return super()._deserialize(value, attr, data, **kwargs)  # type: ignore[no-untyped-call]
        except ValidationError as error:
            raise ValidationError(_without_sides(error.messages)) from None


def _without_sides(messages: Any) -> Any:
    """Marshmallow tells apart whether an entry's name or value is bad; the text says it.

    >>> _without_sides({"plan": {"value": {0: ["Not a valid string."]}}})
    {'plan': {0: ['Not a valid string.']}}
    """
    if not isinstance(messages, dict):
        return messages
    return {name: sides.get("value") or sides["key"] for name, sides in messages.items()}


class Sentence(Text):
    """A text for people; blanks around it are dropped."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(SENTENCE_MAX, **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = super()._deserialize(value, attr, data, **kwargs).strip()
        if any(ord(character) < 32 for character in text):
            raise ValidationError("must not hold control characters")
        return text


class Why(Sentence):
    """A reason that may be left out."""

    def __init__(self) -> None:
        super().__init__(shortest=0, load_default="")


class Identifier(fields.String):
    """An id of ours."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"pattern": PATTERN, **kwargs.pop("metadata", {})}, **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        if not isinstance(value, str) or not IDENTIFIER.fullmatch(value):
            raise ValidationError("must match [a-z0-9_-]{1,64}")
        return value


class Exact(fields.String):
    """A decimal number in a string, so that no client's floating point touches it."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else plain(value)

    def _deserialize(  # type: ignore[override]  # a string in JSON, a number within
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Decimal:
        text = decimal_text(value)
        with _as_validation("value"):
            return quantity(text, "value")


class Instant(fields.String):
    """An RFC 3339 instant with a zone; answered in UTC."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"format": "date-time"}, **kwargs)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else format_instant(value)

    def _deserialize(  # type: ignore[override]  # a string in JSON, an instant within
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> datetime:
        if not isinstance(value, str):
            raise ValidationError('must be a string such as "2026-01-05T10:00:00Z"')
        with _as_validation("at"):
            return parse_instant(value, "at")


class Amount(fields.Integer):
    """Whole minor units of a currency, above zero."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(1, AMOUNT_MAX), **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValidationError("must be a whole number of minor units, such as 1250")
        return value


class MinorUnits(fields.Integer):
    """Whole minor units in an answer; may be negative."""


def decimal_text(value: Any) -> str:
    """A decimal number as it was sent.

    Raises:
        ValidationError: it is not a string of sensible length, or a whole number.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise ValidationError('must be a string such as "12.5"')
    if not 1 <= len(value) <= TEXT_MAX:
        raise ValidationError(f"must have 1 to {TEXT_MAX} characters")
    return value


def _require_encodable(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValidationError("must not hold half of a surrogate pair") from None


@contextmanager
def _as_validation(name: str) -> Iterator[None]:
    """The domain's refusal of one value, as marshmallow collects them: it adds the name itself."""
    try:
        yield
    except InvalidInput as refusal:
        raise ValidationError(str(refusal).removeprefix(f"{name} ")) from None
