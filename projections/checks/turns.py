"""An organization's invoices counted the plain way, oldest first: each leaves what it leaves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from urllib.parse import unquote

from domain.events.amounts import Ahead, HandedOver, Level
from domain.events.catalog import MeterDefined
from domain.events.cycle import Coming
from domain.events.late import LateAmountsBilled, LateLine
from domain.line_key import about
from domain.period import Calendar
from projections.checks.counting import Heaps
from projections.checks.desk import MICROSECOND as RESOLUTION
from projections.checks.desk import Desk, Line
from projections.checks.facts import Facts
from projections.checks.metered import levels_left
from projections.checks.payer import Payer
from projections.checks.rating import Outside, Rated, rated
from projections.checks.reading import Reading
from projections.checks.terms import Terms

BY_HAND = ("waive", "override", "edited")
"""Kinds of lines by which somebody changed another one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """A cycle's reading and its usage. known: with everything known, where something is late."""

    reading: Reading
    meters: Mapping[str, MeterDefined]
    heaps: Heaps
    known: Heaps | None


class Turns:
    """Rates cycles in turn, one after the other."""

    def __init__(self, payer: Payer, book: Mapping[str, Terms]) -> None:
        self._payer = payer
        self._book = book
        self._late: list[tuple[str, LateAmountsBilled]] = []
        self._handover: HandedOver | None = None

    def take(self, counted: Counted, following: Reading | None) -> Rated:
        """The next cycle's invoice. following: the one after it, if it is open."""
        if counted.reading.settled is not None:
            return self._settled(counted, following)
        currency = counted.reading.opened.currency
        mine = [billed for its, billed in self._late if its == currency]
        self._late = [each for each in self._late if each[1] not in mine]
        desk = self._desk(
            counted,
            counted.reading.basis,
            self._handover or counted.reading.handover(known=False),
            self._coming(counted.reading, following),
        )
        outside = Outside(
            credits=self._payer.credits(currency),
            late=mine,
            # An invoice that is settled takes nothing over any more.
            minimum=0 if following and following.settled else self._payer.minimum(currency),
            cut_off=counted.reading.cutoff is not None,
            taken=_taken(counted.reading, following),
            automatic_tax=self._payer.policies.get("automatic_tax") is True,
        )
        found = rated(desk, outside)
        for key, amount in found.whole.items():
            if key.startswith("credit/"):
                self._payer.use(unquote(key.removeprefix("credit/")), -amount)
        goes_on = following is not None and _goes_on(counted.reading, following)
        self._handover = _left(desk, found) if goes_on else None
        return found

    def _desk(
        self,
        counted: Counted,
        facts: Facts,
        handover: HandedOver | None,
        coming: Coming | None,
        heaps: Heaps | None = None,
    ) -> Desk:
        return Desk(
            reading=counted.reading,
            facts=facts,
            heaps=counted.heaps if heaps is None else heaps,
            book=self._book,
            meters=counted.meters,
            handover=handover,
            coming=coming,
        )

    def _settled(self, counted: Counted, following: Reading | None) -> Rated:
        reading, changed = counted.reading, self._handover
        self._handover = None
        settled = reading.settled
        coming = settled.coming if settled else None
        was = reading.handover(known=False)
        found = rated(self._desk(counted, reading.basis, was, coming), Outside())
        left = changed or reading.handover(known=True)
        if counted.known is None and left == was and not any(reading.billed_by().values()):
            return found
        desk = self._desk(counted, reading.known, left, coming, counted.known)
        known = rated(desk, Outside())
        if not reading.void:
            self._owe(reading, known.basis)
        self._handover = _changed_levels(following, desk)
        return found

    def _owe(self, reading: Reading, known: Mapping[str, int]) -> None:
        """What became known late, for the first invoice to come in this currency."""
        basis = reading.settled.basis if reading.settled else {}
        billed, waiting = reading.billed_late(), reading.waiting_for_a_person()
        late = {
            key: known.get(key, 0) - basis.get(key, 0) - billed.get(key, 0)
            for key in sorted({*known, *basis, *billed} - waiting)
        }
        if self._payer.policies.get("late_facts") == "credit_note_or_charge":
            left = reading.creditable()
            late = {
                key: 0 if 0 < -amount <= left.get(key, 0) else amount
                for key, amount in late.items()
            }
        lines = tuple(_late(reading, key, amount) for key, amount in late.items() if amount)
        if lines:
            owed = LateAmountsBilled(at=reading.end, cycle=reading.cycle, lines=lines)
            self._late.append((reading.opened.currency, owed))

    def _coming(self, reading: Reading, following: Reading | None) -> Coming | None:
        """The cycle that follows in the same currency, opened already or not."""
        if following is not None:
            begun = following.opened
            full = begun.full_start, begun.full_end
            start, end, currency = begun.start, following.end, begun.currency
            goes_on = start == reading.end
        else:
            period = Calendar(self._payer.zone, self._payer.anchor_day).full_period(reading.end)
            full = period.start, period.end
            start, end, currency = reading.end, period.end, self._payer.currency
            goes_on = not self._payer.closed
        same = goes_on and currency == reading.opened.currency
        return Coming(start, end, *full) if same else None


def _late(reading: Reading, key: str, amount: int) -> LateLine:
    return LateLine(key, "", amount, 0, 0, 0, *reading.span, None, None)


def _changed_levels(following: Reading | None, desk: Desk) -> HandedOver | None:
    """Levels that hold on may have been others; amounts stay as they were billed."""
    if following is None or not _goes_on(desk.reading, following):
        return None
    nothing = HandedOver(at=desk.reading.end, cycle=desk.reading.cycle, amount=0)
    left, levels = following.handover(known=True) or nothing, _levels(desk)
    return None if _said(left.levels) == _said(levels) else replace(left, levels=levels)


def _goes_on(reading: Reading, following: Reading) -> bool:
    begun = following.opened
    return (begun.start, begun.currency) == (reading.end, reading.opened.currency)


def _said(levels: Sequence[Level]) -> set[tuple[str, str, tuple[tuple[str, str], ...], Decimal]]:
    return {(x.meter, x.attachment, tuple(sorted(x.dimensions.items())), x.value) for x in levels}


def _levels(desk: Desk) -> tuple[Level, ...]:
    return tuple(
        Level(meter, attachment, dict(dimensions), value)
        for (meter, attachment, dimensions), value in levels_left(desk).items()
    )


def _taken(reading: Reading, following: Reading | None) -> int:
    """What a settled invoice took over from the revision before; it stays on that one."""
    left = following.handover(known=False) if following and following.settled else None
    return left.amount if left and left.cycle == reading.cycle else 0


def _left(desk: Desk, found: Rated) -> HandedOver:
    """What an invoice leaves to the next if it were settled now."""
    ahead = [
        _ahead(desk, line.attachment or "", line.price or "", _asked(line, found), line.key)
        for part in found.priced
        for line in part.lines
        if line.kind == "coming"
    ]
    rest = [each for each in map(lambda b: _rest(desk, b), _before(desk)) if each]
    return HandedOver(
        at=desk.reading.end,
        cycle=desk.reading.cycle,
        amount=found.carried,
        ahead=(*ahead, *rest),
        levels=_levels(desk),
    )


def _before(desk: Desk) -> Sequence[Ahead]:
    return desk.handover.ahead if desk.handover else ()


def _ahead(desk: Desk, attachment: str, ref: str, amount: int, key: str) -> Ahead:
    (stay,) = [stay for stay in desk.facts.stays[attachment] if stay.until is None]
    start, end = desk.coming[:2] if desk.coming else desk.reading.span
    begun = max(start, stay.trial_until or start)
    return Ahead(attachment, ref, stay.counts[-1][1], amount, begun, end, key)


def _asked(line: Line, found: Rated) -> int:
    """What is asked for a line, after discounts and what people decided on it."""
    by_hand = (found.whole.get(about(kind, line.key), 0) for kind in BY_HAND)
    return max(line.amount - found.off.get(line.key, 0) + sum(by_hand), 0)


def _rest(desk: Desk, billed: Ahead) -> Ahead | None:
    """What was billed for longer than this cycle became, and runs on: its part, rounded down."""
    end: datetime = desk.reading.end
    stays = desk.facts.stays.get(billed.attachment, [])
    on = [stay for stay in stays if stay.until is None and billed.price in stay.prices]
    if not on or billed.end <= end:
        return None
    part = Fraction((billed.end - end) // RESOLUTION, (billed.end - billed.start) // RESOLUTION)
    whole = desk.book[billed.price].get("proration") == "none"
    amount = 0 if whole else (billed.amount * part).__floor__()
    count = max(billed.quantity, on[0].counts[-1][1]) if whole else billed.quantity
    return billed._replace(start=end, amount=amount, quantity=count)
