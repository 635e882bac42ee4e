"""Fees in advance: what is billed for the next cycle, and what turned out otherwise in this one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from domain.attachment import Attachment, Run
from domain.events.amounts import Ahead
from domain.events.cycle import Coming
from domain.invoice import Charge, LineItem, exact_sum
from domain.line_key import line_key
from domain.money import rounded
from domain.period import Calendar, Period
from domain.price import Price
from domain.quantity import plain
from domain.rating.frame import WHOLE, Frame
from domain.text import shortened


def coming_line(
    frame: Frame, attachment: Attachment, price: Price, coming: Coming
) -> LineItem | None:
    """What a fee comes to for the whole of the next cycle, as things stand at this one's end."""
    run = attachment.running_on()
    if run is None or price.ref not in run.prices or _still_paid(frame, attachment, price):
        return None
    start = max(coming.start, run.trial_until or coming.start)
    if start >= coming.end:
        return None
    part, full = Period(start, coming.end), Period(coming.full_start, coming.full_end)
    share = frame.share(price, [part], Attachment(id=attachment.id), full)
    quantity = run.quantities[-1][1]
    charges = tuple(
        _times(charge, share, "the coming period")
        for charge in price.charges(price.converted(Fraction(quantity)), WHOLE)
    )
    unrounded = exact_sum(charges)
    # Stripe keeps whole seconds; what is billed for is from midnight to midnight anyway.
    return LineItem(
        key=line_key("coming", attachment.id, price.ref),
        kind="coming",
        description=_describe(run, attachment.id, price, quantity, f"from {part.start:%Y-%m-%d}"),
        quantity=Fraction(quantity),
        unit=None,
        amount=rounded(unrounded, frame.cycle.currency),
        unrounded=unrounded,
        period=part.whole_seconds(),
        price=price.ref,
        attachment=attachment.id,
        proration=None if share == WHOLE else (share.numerator, share.denominator),
        charges=charges,
    )


def _still_paid(frame: Frame, attachment: Attachment, price: Price) -> bool:
    """Whether what was billed ahead reaches into the next cycle: this one ended early."""
    billed = frame.billed_ahead(attachment.id, price)
    return billed is not None and billed.end > frame.cycle.period.end


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A part of what was billed ahead for, and the quantity it turned out to be, if it was on."""

    part: Period
    quantity: Decimal | None


def difference_lines(
    frame: Frame,
    attachment: Attachment,
    price: Price,
    parts: Sequence[tuple[Period, Decimal]],
    billed: Ahead,
) -> Iterator[LineItem]:
    """What is owed above what was billed ahead, and what of that was not used.

    A rise is owed at the price; a fall or a detach gives back the share of what was billed,
    after discounts, and never more. What is owed whole comes back if it was not on at all.
    """
    if frame.span is None:
        return
    if price.proration == "none" and parts:
        yield from _more_of_a_whole(frame, attachment, price, parts, billed)
        return
    worth = _worth(price, billed.quantity)
    more = list(_not_billed_for(frame, attachment, price, parts, billed))
    unused: list[Charge] = []
    for stretch in _stretches(frame, price, attachment, list(_within(parts, billed)), billed):
        change = _worth(price, stretch.quantity) - worth
        if change > 0:
            share = frame.share(price, [stretch.part], attachment)
            more.append(_charge(stretch, change, share))
        elif change < 0 and billed.amount:
            whole = Period(billed.start, billed.end)
            share = frame.share(price, [stretch.part], attachment, whole)
            unused.append(_charge(stretch, billed.amount * change / worth, share))
    if more:
        yield _line(frame, "fee", attachment, price, more)
    if unused:
        line = _line(frame, "unused", attachment, price, unused)
        before = frame.handover.cycle if frame.handover else ""
        yield replace(line, corrects=f"{before}/{billed.line}")


def _more_of_a_whole(
    frame: Frame,
    attachment: Attachment,
    price: Price,
    parts: Sequence[tuple[Period, Decimal]],
    billed: Ahead,
) -> Iterator[LineItem]:
    """A fee without proration is owed for the quantity it ended with: what that has risen by."""
    last = _Stretch(*parts[-1])
    risen = _worth(price, last.quantity) - _worth(price, billed.quantity)
    if risen > 0:
        yield _line(frame, "fee", attachment, price, [_charge(last, risen, WHOLE)])


def _within(
    parts: Sequence[tuple[Period, Decimal]], billed: Ahead
) -> Iterator[tuple[Period, Decimal]]:
    """The time it was on, as far as it was billed for."""
    for part, quantity in parts:
        if covered := part.overlap(billed.start, billed.end):
            yield covered, quantity


def _not_billed_for(
    frame: Frame,
    attachment: Attachment,
    price: Price,
    parts: Sequence[tuple[Period, Decimal]],
    billed: Ahead,
) -> Iterator[Charge]:
    """Time it was on that was not billed ahead: a trial ended before its time."""
    for part, quantity in parts:
        covered = part.overlap(billed.start, billed.end)
        if covered == part:
            continue
        # By difference, so that of calendar days none counts twice.
        share = frame.share(price, [part], attachment)
        share -= frame.share(price, [covered] if covered else [], attachment)
        end = covered.start if covered and covered.start > part.start else part.end
        yield _charge(_Stretch(Period(part.start, end), quantity), _worth(price, quantity), share)


def _stretches(
    frame: Frame,
    price: Price,
    attachment: Attachment,
    parts: Sequence[tuple[Period, Decimal]],
    billed: Ahead,
) -> Iterator[_Stretch]:
    """The time billed ahead for, cut where the quantity changed; none where it was not on.

    What lies beyond an early end of this cycle is given back here unless it runs on.
    """
    going, period = attachment.running_on(), frame.cycle.period
    runs_on = going is not None and price.ref in going.prices
    end = min(billed.end, period.end) if runs_on else billed.end
    if frame.span is not None and frame.span != period:
        end = min(end, frame.span.end)
    at = billed.start
    for part, quantity in sorted(parts, key=lambda each: each[0].start):
        yield from _gap(frame, price, billed, at, part.start)
        yield _Stretch(part, quantity)
        at = part.end
    yield from _gap(frame, price, billed, at, end)


def _gap(
    frame: Frame, price: Price, billed: Ahead, start: datetime, end: datetime
) -> Iterator[_Stretch]:
    """Time in which it was not on. Of calendar days, one that had begun is owed."""
    if price.proration == "day" and start != billed.start:
        calendar = Calendar(frame.cycle.time_zone, anchor_day=1)
        day = calendar.local_date(start)
        at_midnight = calendar.midnight(day) == start
        start = start if at_midnight else calendar.midnight(day + timedelta(days=1))
    if start < end:
        yield _Stretch(Period(start, end), None)


def _worth(price: Price, quantity: Decimal | None) -> Fraction:
    """What a full period comes to at a quantity; nothing where it is not on."""
    if quantity is None:
        return Fraction(0)
    charges = price.charges(price.converted(Fraction(quantity)), WHOLE)
    return exact_sum(charges)


def _charge(stretch: _Stretch, amount: Fraction, share: Fraction) -> Charge:
    part = stretch.part
    count = "not on" if stretch.quantity is None else f"× {plain(stretch.quantity)}"
    return Charge(
        what=f"{count}, {part.start:%Y-%m-%d %H:%M} to {part.end:%Y-%m-%d %H:%M} UTC",
        quantity=share,
        unit_amount=amount,
        amount=amount * share,
    )


def _times(charge: Charge, share: Fraction, what: str) -> Charge:
    return Charge(
        what=f"{charge.what}, {what}",
        quantity=charge.quantity * share,
        unit_amount=charge.unit_amount,
        amount=charge.amount * share,
    )


def _line(
    frame: Frame, kind: str, attachment: Attachment, price: Price, charges: Sequence[Charge]
) -> LineItem:
    unrounded = exact_sum(charges)
    what = "billed ahead and not used" if kind == "unused" else "more than was billed ahead"
    run = attachment.runs[-1]
    return LineItem(
        key=line_key(kind, attachment.id, price.ref),
        kind=kind,
        description=_describe(run, attachment.id, price, Decimal(1), what),
        quantity=Fraction(1),
        unit=None,
        amount=rounded(unrounded, frame.cycle.currency),
        unrounded=unrounded,
        period=frame.cycle.period.whole_seconds(),
        price=price.ref,
        attachment=attachment.id,
        charges=tuple(charges),
    )


def _describe(run: Run, attachment: str, price: Price, quantity: Decimal, what: str) -> str:
    times = "" if quantity == 1 else f" × {plain(quantity)}"
    return shortened(f"{run.name} ({attachment}): {price.name}{times}, {what}")


def billed_ahead(line: LineItem, off: int) -> Ahead:
    """What the next cycle will have been billed for. off: what discounts and people took."""
    return Ahead(
        attachment=line.attachment or "",
        price=line.price or "",
        quantity=Decimal(line.quantity.numerator) / line.quantity.denominator,
        amount=max(line.amount - off, 0),
        start=line.period.start,
        end=line.period.end,
        line=line.key,
    )


def left_over(frame: Frame) -> Iterator[Ahead]:
    """What was billed ahead for more than this cycle, which ended early, and runs on."""
    end = frame.cycle.period.end
    for billed in frame.handover.ahead if frame.handover else ():
        known = frame.cycle.attachments.get(billed.attachment)
        run = known.running_on() if known else None
        if billed.end > end and run is not None and billed.price in run.prices:
            rest = Period(end, billed.end).share_of(Period(billed.start, billed.end))
            amount = billed.amount * rest
            # Rounded down: a detach never gives back more than was billed; nothing comes back
            # of what is owed whole and was on.
            prorated = frame.book[billed.price].proration != "none"
            whole = amount.numerator // amount.denominator if prorated else 0
            count = billed.quantity if prorated else max(billed.quantity, run.quantities[-1][1])
            yield billed._replace(start=end, amount=whole, quantity=count)
