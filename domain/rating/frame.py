"""What a rating looks at: a cycle, the prices in its currency, and shares of its full period."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from domain.attachment import Attachment, Run
from domain.billing_cycle import BillingCycle
from domain.catalog import Meter
from domain.events.amounts import Ahead, HandedOver
from domain.invoice import LineItem
from domain.period import Period, zone
from domain.price import Price, PriceBook

WHOLE = Fraction(1)
NONE = Fraction(0)
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """span: the part of the cycle's period that is looked at; ``None`` where it has not begun.

    handover: what the cycle before left, recorded or not yet.
    """

    cycle: BillingCycle
    book: PriceBook
    meters: Mapping[str, Meter]
    span: Period | None
    handover: HandedOver | None

    def billed_ahead(self, attachment: str, price: Price) -> Ahead | None:
        """What the invoice before billed for this cycle, if it did."""
        for each in self.handover.ahead if self.handover else ():
            if (each.attachment, each.price) == (attachment, price.ref):
                return each
        return None

    def prices(self, kind: str) -> Iterator[tuple[Attachment, Price, list[Run]]]:
        """Each attachment's prices of a kind in the cycle's currency, and the runs with them."""
        for attachment in self.cycle.attachments.values():
            runs: dict[str, list[Run]] = {}
            for run in attachment.runs:
                for ref in run.prices:
                    if self.book[ref].kind == kind:
                        runs.setdefault(ref, []).append(run)
            for ref, having in runs.items():
                price = self.book[ref]
                if price.currency == self.cycle.currency:
                    yield attachment, price, having

    def spans(self, runs: Iterable[Run]) -> list[Period]:
        """When some runs were on, within the span."""
        return [] if self.span is None else _on(self.span, runs)

    def spans_of_period(self, runs: Iterable[Run]) -> list[Period]:
        """When some runs were on, or will be, within the whole period."""
        return _on(self.cycle.period, runs)

    def share(
        self, price: Price, parts: Sequence[Period], chain: Attachment, full: Period | None = None
    ) -> Fraction:
        """The share of a full period that some parts make, counted as the price says.

        chain: the attachment they are part of. Of calendar days, the day on which another of
        its runs or quantities begins belongs to that one. full: by default this cycle's.
        """
        if not parts:
            return NONE
        full = full or self.cycle.full_period
        if price.proration == "none" or (len(parts) == 1 and parts[0] == full):
            return WHOLE
        if price.proration == "day":
            begins = [since for run in chain.runs for since, _ in run.quantities]
            days = sum(self._days(part, begins) for part in parts)
            return Fraction(days, self._days(full, ()))
        return Fraction(sum(part.microseconds for part in parts), full.microseconds)

    def _days(self, part: Period, begins: Iterable[datetime]) -> int:
        """Calendar days of a part in the organization's zone; its last one unless others claim it.

        The rest of a day cut by the cycle's end belongs to the cycle that goes on from there.
        """
        local = zone(self.cycle.time_zone)
        first, last = part.start.astimezone(local).date(), part.end.astimezone(local)
        begun_later = any(
            since >= part.end and since.astimezone(local).date() == last.date() for since in begins
        )
        at_midnight = last.replace(tzinfo=None).time() == last.min.time()
        goes_on = part.end == self.cycle.period.end
        whole = last.date() if at_midnight or begun_later or goes_on else last.date() + _DAY
        return (whole - first).days


def _on(span: Period, runs: Iterable[Run]) -> list[Period]:
    found = (span.overlap(run.since, run.until) for run in runs)
    return [part for part in found if part]


@dataclass(kw_only=True, slots=True)
class Priced:
    """What one price of one attachment comes to. share: of a full period, for its bounds."""

    attachment: str
    price: Price
    share: Fraction
    lines: list[LineItem]
