"""Events as rows: plain versioned names and readable JSON bodies.

A topic is a class name and a version, ``UsageRecorded@1``; never a Python path. An event whose
shape changes gets the next version and an upcaster that turns the old body into the new one.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from eventsourcing.persistence import Mapper, StoredEvent

from domain.events import (
    amounts,
    case,
    catalog,
    cycle,
    late,
    organization,
    outcome,
    stripe_invoice,
    usage,
)
from domain.events.base import Recorded
from domain.events.usage import HeaderTally, PackedRecord, UsageHeader, UsageRecorded

Body = dict[str, Any]
Upcaster = Callable[[Body], Body]

USAGE = "UsageRecorded@1"
"""The control index of the log leaves this topic out."""


def _classes(*modules: Any) -> dict[str, type]:
    return {
        name: value
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, type) and value.__module__ == module.__name__ and name[0] != "_"
    }


EVENTS: dict[str, type] = _classes(
    amounts, case, catalog, cycle, late, organization, outcome, stripe_invoice, usage
)
VERSIONS: dict[str, int] = {}
"""Event name -> current version, where it is not 1."""
UPCASTERS: dict[str, Upcaster] = {}
"""Old topic -> how its body becomes the next version's."""


class UnknownTopic(TypeError):
    """The log holds an event this code does not know. Replays stop rather than skip it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewEvent:
    """An event on its way to the log."""

    originator_id: UUID
    originator_version: int
    event: object
    actor: str
    at: datetime


class _UsageBody(msgspec.Struct):
    lo: int
    hi: int
    tallies: tuple[HeaderTally, ...]
    records: tuple[PackedRecord, ...]
    actor: str = ""


class _HeaderBody(msgspec.Struct):
    lo: int
    hi: int
    tallies: tuple[HeaderTally, ...]


_decode_usage = msgspec.json.Decoder(_UsageBody).decode
_decode_header = msgspec.json.Decoder(_HeaderBody).decode
_encode = msgspec.json.Encoder().encode


def topic(event: object) -> str:
    """An event's name on disk."""
    name = type(event).__name__
    if EVENTS.get(name) is not type(event):
        raise UnknownTopic(f"{name} is not an event of the log")
    return f"{name}@{VERSIONS.get(name, 1)}"


def encode(event: object, actor: str, at: datetime) -> bytes:
    """An event's body. ``at`` stands in where the event has no ``at`` of its own."""
    occurred = getattr(event, "at", at).astimezone(UTC)
    body: Body = {"occurred_at": occurred, "actor": actor}
    body |= {
        field.name: getattr(event, field.name)
        for field in fields(event)  # type: ignore[arg-type]
        if field.name != "at"
    }
    return _encode(body)


def decode(
    stored_topic: str,
    state: bytes,
    *,
    stream: UUID,
    version: int,
    position: int,
    recorded_at: datetime,
) -> Recorded:
    """A row of the log as an event with its envelope.

    Raises:
        UnknownTopic: this code has no such event.
    """
    if stored_topic == USAGE:
        packed = _decode_usage(state)
        event: object = _usage(packed)
        occurred_at, actor = usage.instant(packed.lo), packed.actor
    else:
        event, occurred_at, actor = _decode_control(stored_topic, msgspec.json.decode(state))
    return Recorded(
        stream=stream,
        version=version,
        position=position,
        recorded_at=recorded_at,
        occurred_at=occurred_at,
        actor=actor,
        event=event,
    )


def decode_event(stored_topic: str, state: bytes) -> object:
    """An event but one of usage, without its envelope.

    Raises:
        UnknownTopic: this code has no such event.
    """
    return _decode_control(stored_topic, msgspec.json.decode(state))[0]


def decode_header(state: bytes) -> UsageHeader:
    """The header of a usage event; its records are skipped, not built."""
    header = _decode_header(state)
    return UsageHeader(lo=header.lo, hi=header.hi, tallies=header.tallies)


def decode_usage(state: bytes) -> UsageRecorded:
    """A usage event without its envelope."""
    return _usage(_decode_usage(state))


def _usage(packed: _UsageBody) -> UsageRecorded:
    return UsageRecorded(lo=packed.lo, hi=packed.hi, tallies=packed.tallies, records=packed.records)


def decode_records(state: bytes) -> tuple[PackedRecord, ...]:
    """The records of a usage event."""
    return _decode_usage(state).records


def _decode_control(stored_topic: str, body: Body) -> tuple[object, datetime, str]:
    name = stored_topic.partition("@")[0]
    current = f"{name}@{VERSIONS.get(name, 1)}"
    while stored_topic in UPCASTERS:
        body = UPCASTERS[stored_topic](body)
        number = int(stored_topic.partition("@")[2])
        stored_topic = f"{name}@{number + 1}"
    if name not in EVENTS or stored_topic != current:
        raise UnknownTopic(f"the log holds {stored_topic}, which this release does not know")
    occurred_at = msgspec.convert(body.pop("occurred_at"), datetime)
    actor = body.pop("actor")
    kind = EVENTS[name]
    if any(field.name == "at" for field in fields(kind)):
        body["at"] = occurred_at
    return msgspec.convert(body, kind), occurred_at, actor


class EventMapper(Mapper[UUID]):
    """The eventsourcing library's way in and out, by the functions above."""

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        """A row of the log."""
        return StoredEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=topic(domain_event.event),
            state=encode(domain_event.event, domain_event.actor, domain_event.at),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """An envelope without the log's clock, which the library does not read."""
        event, occurred_at, actor = _decode_control(
            stored_event.topic, msgspec.json.decode(stored_event.state)
        )
        return NewEvent(
            originator_id=UUID(str(stored_event.originator_id)),
            originator_version=stored_event.originator_version,
            event=event,
            actor=actor,
            at=occurred_at,
        )
