"""A usage record: one report that a customer used some of something, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(slots=True, kw_only=True)
class UsageRecord:
    """One report of usage. ``source`` and ``id`` together make a retry harmless.

    value: a decimal as text, or any text for a ``unique`` meter. attachment: empty where the
    record names none.
    """

    source: str
    id: str
    organization: str
    meter: str
    value: str
    occurred_at: datetime
    attachment: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)


class Outcome(StrEnum):
    """What became of a usage record."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    REJECTED = "rejected"
    QUARANTINED = "quarantined"


@dataclass(slots=True, frozen=True)
class Refusal:
    """Why a record was not accepted: a stable code and a sentence a person can act on."""

    outcome: Outcome
    code: str
    detail: str


DUPLICATE = Refusal(Outcome.DUPLICATE, "duplicate", "this record was accepted before")
CONFLICT = Refusal(
    Outcome.CONFLICT,
    "conflict",
    "a record with this source and id was accepted with other content; nothing was added",
)
