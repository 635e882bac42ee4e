"""What a change means for a cycle's tallies: from when on recorded usage may add up otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from adapters.postgres.folding import Layer
from adapters.postgres.heads import Head
from domain.billing_cycle import BillingCycle
from domain.cycle.facts import Fact
from domain.events.cycle import PriceCorrected, ServiceAttached, ServiceDetached, ServiceSwapped
from domain.events.late import (
    CorrectionReverted,
    LateFactsBilled,
    LateFactsReopened,
    UsageCorrected,
    UsageRetracted,
)
from domain.events.usage import micros
from domain.price import Price

ALWAYS = -(1 << 62)
"""Moves whatever was recorded."""


@dataclass(slots=True)
class Moves:
    """What a change did to one cycle so far. named: attachments that its usage may name.

    base, late: the earliest instant, microseconds since 1970, from which usage adds up
    otherwise in that layer; ``None`` where nothing moved. has_late: whether there is a late
    layer now. late_open: whether there are late facts that nobody has billed. usage_hi: the
    latest instant of usage.
    """

    named: set[str] = field(default_factory=set)
    has_late: bool = False
    late_open: bool = False
    late_stale: bool = False
    usage_hi: int = 0
    base: int | None = None
    late: int | None = None

    @classmethod
    def none(cls, cycle: BillingCycle, head: Head) -> Self:
        """Before the change."""
        known = cycle.as_known()
        corrected = (each.becomes for each in known.corrections.values())
        return cls(
            named={*known.attachments, *(each.attachment for each in corrected if each)},
            has_late=head.has_late,
            late_open=head.late_open,
            late_stale=head.late_stale,
            usage_hi=head.usage_hi,
        )

    def apply(self, cycle: BillingCycle, event: object, book: Mapping[str, Price]) -> None:
        """Apply an event to a cycle, and note what it moves."""
        late, revision = len(cycle.late), cycle.revision
        cycle.apply(event)
        if cycle.revision > revision:
            self._begin_anew()
        elif isinstance(event, Fact):
            self._note(event, book, late=len(cycle.late) > late)
        elif isinstance(event, LateFactsBilled):
            self.late_open = event.open
        elif isinstance(event, LateFactsReopened):
            self.late_open = True
        if cycle.forgiven:
            self.late_open = False

    def _begin_anew(self) -> None:
        """All that was late is part of the new basis."""
        if self.has_late:
            self.base = ALWAYS
        self.has_late = self.late_open = self.late_stale = False
        self.late = None

    def _note(self, fact: Fact, book: Mapping[str, Price], *, late: bool) -> None:
        since = self._since(fact, book)
        if late:
            self.late = ALWAYS if not self.has_late else _earlier(self.late, since)
            self.has_late = self.late_open = True
        else:
            self.base = _earlier(self.base, since)

    def _since(self, fact: Fact, book: Mapping[str, Price]) -> int | None:
        match fact:
            case ServiceDetached() | ServiceSwapped():
                return micros(fact.at)
            case ServiceAttached() if self._may_rate(fact, book):
                return micros(fact.at)
            case UsageCorrected(becomes=becomes):
                self.named.add(becomes.attachment)
                self.usage_hi = max(self.usage_hi, becomes.at)
                return ALWAYS
            case PriceCorrected() | UsageRetracted() | CorrectionReverted():
                return ALWAYS
            case _:
                return None

    def _may_rate(self, fact: ServiceAttached, book: Mapping[str, Price]) -> bool:
        """Under a new id, without an organization-wide price: no record can have named it."""
        return fact.attachment in self.named or any(
            book[ref].scope == "organization" for ref in fact.prices
        )

    def moved(self, layer: Layer, head: Head) -> bool:
        """Whether what is kept of a layer is not right any more."""
        since = self.base if layer is Layer.BASE else self.late
        if layer is Layer.LATE and (not self.has_late or since == ALWAYS):
            return self.has_late  # a new layer has to be made, be there usage or not
        return since is not None and head.records > 0 and since <= self.usage_hi

    def stale(self, layer: Layer, head: Head) -> bool:
        """Whether a layer has to be folded from the log."""
        marked = head.tallies_stale if layer is Layer.BASE else self.late_stale
        return marked or self.moved(layer, head)


def _earlier(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return one if other is None else other
    return min(one, other)
