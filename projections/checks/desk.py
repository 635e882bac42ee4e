"""What the plain rating of one cycle has before it, and shares of a full period."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from domain.events.amounts import Ahead, HandedOver
from domain.events.catalog import MeterDefined
from domain.events.cycle import Coming
from projections.checks.counting import Heaps
from projections.checks.facts import Facts, Span, Stay
from projections.checks.reading import Reading
from projections.checks.terms import ONE, ZERO, Terms

MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """One cycle at its basis, or with everything known. handover: what the one before left."""

    reading: Reading
    facts: Facts
    heaps: Heaps
    book: Mapping[str, Terms]
    meters: Mapping[str, MeterDefined]
    handover: HandedOver | None
    coming: Coming | None

    @property
    def currency(self) -> str:
        """The cycle's."""
        return self.reading.opened.currency

    @property
    def full(self) -> Span:
        """From anchor to anchor."""
        return self.reading.opened.full_start, self.reading.opened.full_end

    def priced(self, kind: str) -> Iterator[tuple[str, str, list[Stay]]]:
        """Attachment, price ref and stays, of every price of a kind in the currency."""
        for attachment, stays in self.facts.stays.items():
            for ref in dict.fromkeys(ref for stay in stays for ref in stay.prices):
                terms = self.book[ref]
                if (terms["kind"], terms["currency"]) == (kind, self.currency):
                    yield attachment, ref, [stay for stay in stays if ref in stay.prices]

    def ahead(self, attachment: str, ref: str) -> Ahead | None:
        """What the cycle before billed for this one."""
        every = self.handover.ahead if self.handover else ()
        mine = [each for each in every if (each.attachment, each.price) == (attachment, ref)]
        return mine[0] if mine else None

    def share(
        self,
        terms: Terms,
        spans: Sequence[Span],
        chain: Iterable[Stay],
        full: Span | None = None,
        later: Iterable[datetime] = (),
    ) -> Fraction:
        """How much of a full period some spans are, as the price counts it.

        later: when parts begin that are counted elsewhere.
        """
        how = terms.get("proration") or "second"
        spans = [span for span in spans if span[0] < span[1]]
        if not spans:
            return ZERO
        if how == "none":
            return ONE
        full = full or self.full
        if how == "second":
            length = sum((end - begin for begin, end in spans), timedelta(0))
            return Fraction(length // MICROSECOND, (full[1] - full[0]) // MICROSECOND)
        begins = [*later, *(at for stay in chain for at, _ in stay.counts)]
        days = sum(len(self._days(span, begins)) for span in spans)
        return Fraction(days, len(self._days(full, ())))

    def whole_days(self, terms: Terms, span: Span) -> Span:
        """A span without its first day where that had begun: of calendar days, it is owed."""
        zone = ZoneInfo(self.reading.opened.time_zone)
        begun = span[0].astimezone(zone).date()
        if (
            terms.get("proration") != "day"
            or begun != (span[0] - MICROSECOND).astimezone(zone).date()
        ):
            return span
        after = begun + DAY
        midnight = datetime(after.year, after.month, after.day, tzinfo=zone).astimezone(UTC)
        return min(midnight, span[1]), span[1]

    def _days(self, span: Span, begins: Iterable[datetime]) -> set[date]:
        """The local days of a span. One that goes on in a later part belongs to that part."""
        zone = ZoneInfo(self.reading.opened.time_zone)
        begin, end = span[0].astimezone(zone).date(), span[1].astimezone(zone).date()
        last = (span[1] - MICROSECOND).astimezone(zone).date()
        days = {begin + DAY * number for number in range((last - begin).days + 1)}
        if last == end:  # it ends within a day
            goes_on = span[1] == self.reading.end
            goes_on |= any(at >= span[1] and at.astimezone(zone).date() == end for at in begins)
            days -= {end} if goes_on else set()
        return days


@dataclass(kw_only=True, slots=True)
class Line:
    """An amount in minor units, and what it is for. price: a ref, or none."""

    key: str
    kind: str
    amount: int
    price: str | None = None
    attachment: str | None = None


@dataclass(kw_only=True, slots=True)
class Part:
    """The lines of one price of an attachment. share: of a full period."""

    attachment: str
    price: str
    share: Fraction
    lines: list[Line] = field(default_factory=list)
