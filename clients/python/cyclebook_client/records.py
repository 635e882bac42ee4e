"""A usage record as it is sent, and what became of one that was not accepted."""

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

Value = int | Decimal | str
"""A quantity; any text where the meter counts distinct values."""

_VERSION, _VARIANT = 7, 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One report of usage. ``source`` and ``id`` name it for ever, however often it is sent.

    value: a decimal number as a text. occurred_at: RFC 3339, UTC.
    """

    source: str
    id: str
    organization: str
    meter: str
    value: str
    occurred_at: str
    attachment: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As ``POST /v1/usage`` takes it."""
        known = {name: getattr(self, name) for name in _REQUIRED}
        if self.attachment is not None:
            known["attachment"] = self.attachment
        if self.properties:
            known["properties"] = dict(self.properties)
        return known

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Record":
        """The record that ``to_json`` gave.

        Raises:
            TypeError: it is none.
        """
        record = cls(**value)
        if not all(isinstance(getattr(record, name), str) for name in _REQUIRED):
            raise TypeError("every field of a usage record is a text")
        return record


_REQUIRED = ("source", "id", "organization", "meter", "value", "occurred_at")


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """A record that is not in the books, and why.

    outcome: ``rejected`` (correct it and record it anew), ``conflict`` (its id was used with
    other content), or ``quarantined`` (kept by the service until a person places it).
    index: its place in the request that carried it. code: stable. field: the one at fault,
    where it is one.
    """

    record: Record
    index: int
    outcome: str
    code: str
    detail: str
    field: str | None


def value_text(value: Value) -> str:
    """A quantity as the service takes it: a plain decimal.

    Raises:
        TypeError: it is a float, whose digits are not those that were meant, or no number.
        ValueError: it is not finite.

    >>> value_text(Decimal("1E+3")), value_text(5), value_text("0.10")
    ('1000', '5', '0.10')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise TypeError(
            f"value must be an int, a Decimal or a text, not {value!r}; "
            'of a float say how it is rounded, such as f"{seconds:.3f}"'
        )
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError(f"value must be finite, not {value}")
    return format(number, "f")


def properties_of(given: Mapping[str, str] | None) -> dict[str, str]:
    """A copy of its own, so that nothing changes it after the call.

    Raises:
        TypeError: a name or a value is no text.
    """
    properties = dict(given or {})
    for name, text in properties.items():
        if not isinstance(name, str) or not isinstance(text, str):
            raise TypeError(f"properties must map texts to texts, not {name!r} to {text!r}")
    return properties


def instant_text(at: datetime) -> str:
    """An instant as RFC 3339 in UTC.

    Raises:
        ValueError: it has no zone.

    >>> instant_text(datetime(2026, 1, 5, 10, tzinfo=UTC))
    '2026-01-05T10:00:00Z'
    """
    if at.tzinfo is None:
        raise ValueError(f"{at} has no zone; say datetime.now(UTC)")
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


class Ids:
    """UUIDv7: in the order of time, also within a millisecond, for this process.

    The 12 bits after the milliseconds are their fraction; two in one go on from each other.
    """

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def new(self) -> str:
        """The next one."""
        milliseconds, rest = divmod(time.time_ns(), 1_000_000)
        with self._lock:
            self._last = max(self._last + 1, milliseconds << 12 | (rest << 12) // 1_000_000)
            stamp = self._last
        random = int.from_bytes(os.urandom(8)) >> 2
        high = (stamp >> 12) << 16 | _VERSION << 12 | stamp & 0xFFF
        return str(UUID(int=high << 64 | _VARIANT << 62 | random))
