"""Usage as the log keeps it: all records of one append to one cycle, packed in one event."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(instant: datetime) -> int:
    """Microseconds since 1970.

    >>> micros(datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC))
    1000005
    """
    since = instant - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def instant(microseconds: int) -> datetime:
    """The other way round."""
    return EPOCH + timedelta(microseconds=microseconds)


class PackedRecord(NamedTuple):
    """One usage record inside an event.

    at: microseconds since 1970. value: a plain decimal, or any text for a ``unique`` meter.
    attachment: empty where the record names none.
    """

    source: str
    id: str
    meter: str
    attachment: str
    value: str
    at: int
    properties: dict[str, str]


class HeaderTally(NamedTuple):
    """What an event's records add up to, kept apart by meter, named attachment and dimensions.

    quantity: by the meter's aggregation: their sum, number, highest or latest value.
    lo, hi: lowest and highest instant among them, so that a fold can skip or take them whole.
    """

    meter: str
    attachment: str
    dimensions: dict[str, str]
    records: int
    quantity: str
    lo: int
    hi: int


@dataclass(frozen=True, kw_only=True, slots=True)
class UsageHeader:
    """The part of ``UsageRecorded`` that most folds need: reading it skips the records."""

    lo: int
    hi: int
    tallies: tuple[HeaderTally, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class UsageRecorded:
    """Services reported usage. No attribution, no price: those are conclusions."""

    lo: int
    hi: int
    tallies: tuple[HeaderTally, ...]
    records: tuple[PackedRecord, ...]

    @property
    def at(self) -> datetime:
        """The earliest instant among the records."""
        return instant(self.lo)
