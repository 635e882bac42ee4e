"""Events of a billing cycle about what became known late, and what was recorded wrongly."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from domain.events.cycle import CycleEvent
from domain.events.usage import PackedRecord

NOTE = "note/"
"""What ``by`` begins with where a credit note gave late amounts back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UsageRetracted(CycleEvent):
    """A usage record does not count. ``at``: when it had occurred. record: as it was recorded."""

    source: str
    id: str
    record: PackedRecord
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UsageCorrected(CycleEvent):
    """A usage record counts as ``becomes``. ``at``: when it had occurred, as recorded."""

    source: str
    id: str
    record: PackedRecord
    becomes: PackedRecord
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CorrectionReverted(CycleEvent):
    """A usage record counts as it was recorded again."""

    source: str
    id: str
    record: PackedRecord
    reason: str


class LateLine(NamedTuple):
    """A line that corrects one of an issued invoice. line: the key it has there.

    amount: minor units. known, settled, billed: what the line comes to with everything known,
    came to when it was settled, and was billed late before.
    """

    line: str
    description: str
    amount: int
    known: int
    settled: int
    billed: int
    start: datetime
    end: datetime
    price: str | None
    attachment: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LateAmountsBilled(CycleEvent):
    """This invoice bills what became known late of another cycle."""

    cycle: str
    lines: tuple[LateLine, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LateFactsBilled(CycleEvent):
    """What became known late of this cycle was billed, credited or written off.

    by: the cycle whose invoice did, ``note/`` and a credit note, or ``person``. lines: minor
    units by line key. open: whether something is left for a person to decide.
    """

    by: str
    lines: dict[str, int]
    open: bool = False
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class LateFactsReopened(CycleEvent):
    """Late amounts of this cycle are open again: the invoice that billed them is void.

    by: that invoice's cycle, this one itself where it is issued anew.
    """

    by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LateProposalAccepted(CycleEvent):
    """A person agreed that a late amount is billed, though somebody had adjusted the line."""

    line: str
    reason: str
