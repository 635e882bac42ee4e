"""A billing cycle's facts read off its events in order: the books' second reading."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from domain.events.cycle import (
    AttachmentQuantityChanged,
    PriceCorrected,
    ServiceAttached,
    ServiceDetached,
    ServiceSwapped,
    TrialEnded,
    TrialStarted,
)
from domain.events.late import (
    CorrectionReverted,
    UsageCorrected,
    UsageRetracted,
)
from domain.events.usage import PackedRecord

Span = tuple[datetime, datetime]
Kind = TypeVar("Kind")
FACTS = (
    ServiceAttached,
    ServiceSwapped,
    ServiceDetached,
    AttachmentQuantityChanged,
    TrialStarted,
    TrialEnded,
    PriceCorrected,
    UsageRetracted,
    UsageCorrected,
    CorrectionReverted,
)
"""What happened in the world: it counts late once usage is cut off."""


@dataclass(kw_only=True, slots=True)
class Stay:
    """An attachment at one set of prices. counts: (from, quantity), in order of time."""

    since: datetime
    until: datetime | None
    prices: tuple[str, ...]
    counts: list[tuple[datetime, Decimal]]
    carried: bool
    cancelled: bool = False
    trial_until: datetime | None = None

    def pieces(self, span: Span, *, owed: bool) -> Iterator[tuple[datetime, datetime, Decimal]]:
        """Stretches of one quantity within a span; ``owed``: without the time of a trial."""
        ends = [at for at, _ in self.counts[1:]] + [self.until or span[1]]
        for (begin, count), end in zip(self.counts, ends, strict=True):
            first = max(begin, span[0])
            if owed and self.trial_until is not None:
                first = max(first, self.trial_until)
            if first < min(end, span[1]):
                yield first, min(end, span[1]), count


@dataclass(kw_only=True, slots=True)
class Facts:
    """What was on in a cycle. corrections: (source, id) -> what counts instead, if anything."""

    stays: dict[str, list[Stay]] = field(default_factory=dict)
    corrections: dict[tuple[str, str], PackedRecord | None] = field(default_factory=dict)

    def take(self, event: object) -> None:
        """Take one fact into account."""
        match event:
            case UsageRetracted():
                self.corrections[event.source, event.id] = None
            case UsageCorrected():
                self.corrections[event.source, event.id] = event.becomes
            case CorrectionReverted():
                self.corrections.pop((event.source, event.id), None)
            case PriceCorrected():
                self._reprice(event)
            case ServiceAttached() | ServiceSwapped():
                self._begin(event)
            case ServiceDetached() | AttachmentQuantityChanged():
                self._change(event, self._at(event.attachment, event.at))
            case TrialStarted():
                self._at(event.attachment, event.at).trial_until = event.until
            case TrialEnded():
                self._at(event.attachment, event.at).trial_until = event.at

    def _reprice(self, event: PriceCorrected) -> None:
        for stay in (stay for stays in self.stays.values() for stay in stays):
            stay.prices = tuple(event.right if ref == event.wrong else ref for ref in stay.prices)

    def _begin(self, event: ServiceAttached | ServiceSwapped) -> None:
        stays = self.stays.setdefault(event.attachment, [])
        until = None
        if isinstance(event, ServiceSwapped):
            before = self._at(event.attachment, event.at)
            until = before.until  # a detach that was said before still stands
            _end(before, event.at)
        stays.append(
            Stay(
                since=event.at,
                until=until,
                prices=event.prices,
                counts=[(event.at, event.quantity)],
                carried=isinstance(event, ServiceAttached) and event.carried,
            )
        )
        stays.sort(key=lambda stay: stay.since)

    def _change(self, event: ServiceDetached | AttachmentQuantityChanged, stay: Stay) -> None:
        if isinstance(event, ServiceDetached):
            _end(stay, event.at)
            stay.cancelled = stay.carried and event.carried and event.at == stay.since
            return
        kept = [each for each in stay.counts if each[0] != event.at]
        stay.counts = sorted([*kept, (event.at, event.quantity)])

    def _at(self, attachment: str, at: datetime) -> Stay:
        stays = self.stays[attachment]
        on = [s for s in stays if s.since <= at and (s.until is None or at < s.until)]
        return on[0] if on else stays[-1]


def _end(stay: Stay, at: datetime) -> None:
    stay.until = at
    kept = [each for each in stay.counts if each[0] < at]
    stay.counts = kept or [(stay.since, stay.counts[0][1])]
