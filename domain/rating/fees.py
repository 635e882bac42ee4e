"""Recurring fees: what attachments cost for the time they were on."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction

from domain.attachment import Attachment, Run
from domain.events.cycle import Coming
from domain.invoice import Charge, LineItem, exact_sum
from domain.line_key import line_key
from domain.money import rounded
from domain.period import Period
from domain.price import Price
from domain.quantity import plain
from domain.rating.ahead import coming_line, difference_lines
from domain.rating.frame import WHOLE, Frame, Priced
from domain.text import shortened

Part = tuple[Period, Decimal]


def recurring(frame: Frame, coming: Coming | None) -> Iterator[Priced]:
    """One line per attachment and price for the time it was on, or the difference to what was
    billed ahead; and what is billed ahead for the next cycle."""
    for attachment, price, runs in frame.prices("recurring"):
        parts = _parts(frame, runs)
        share = frame.share(price, [part for part, _ in parts], attachment)
        lines = list(_lines(frame, attachment, price, runs, parts, share))
        yield Priced(attachment=attachment.id, price=price, share=share, lines=lines)
        if price.billing == "in_advance" and coming is not None:
            line = coming_line(frame, attachment, price, coming)
            ahead = [line] if line else []
            yield Priced(attachment=attachment.id, price=price, share=WHOLE, lines=ahead)


def _lines(
    frame: Frame,
    attachment: Attachment,
    price: Price,
    runs: Sequence[Run],
    parts: Sequence[Part],
    share: Fraction,
) -> Iterator[LineItem]:
    billed = frame.billed_ahead(attachment.id, price)
    if price.billing == "in_advance" and billed is not None:
        yield from difference_lines(frame, attachment, price, parts, billed)
    elif parts:
        yield _line(frame, attachment, price, runs[-1], parts, share)


def _parts(frame: Frame, runs: Sequence[Run]) -> list[Part]:
    """The stretches of constant quantity for which a fee is owed."""
    if frame.span is None:
        return []
    return [part for run in runs for part in run.charged(frame.span)]


def _line(
    frame: Frame,
    attachment: Attachment,
    price: Price,
    run: Run,
    parts: Sequence[Part],
    share: Fraction,
) -> LineItem:
    charges = tuple(_charges(frame, attachment, price, parts, share))
    unrounded = exact_sum(charges)
    quantity = _quantity(price, parts)
    return LineItem(
        key=line_key("fee", attachment.id, price.ref),
        kind="fee",
        description=_describe(attachment.id, run, price, parts, quantity, share),
        quantity=quantity,
        unit=None,
        amount=rounded(unrounded, frame.cycle.currency),
        unrounded=unrounded,
        period=Period(parts[0][0].start, parts[-1][0].end).whole_seconds(),
        price=price.ref,
        attachment=attachment.id,
        proration=None if share == WHOLE else (share.numerator, share.denominator),
        charges=charges,
    )


def _quantity(price: Price, parts: Sequence[Part]) -> Fraction:
    """What it counted for: on average where that varied; a price owed once has only the last."""
    if price.proration == "none" or len(parts) == 1:
        return Fraction(parts[-1][1])
    weighted = [Fraction(count) * part.microseconds for part, count in parts]
    return sum(weighted, Fraction(0)) / sum(part.microseconds for part, _ in parts)


def _charges(
    frame: Frame, attachment: Attachment, price: Price, parts: Sequence[Part], share: Fraction
) -> Iterator[Charge]:
    """What each stretch of constant quantity comes to, for its share of the full period.

    A price without proration is owed once in a full period, for the quantity it ended with.
    """
    if price.proration == "none":
        if not _owed_before(frame, attachment, price):
            yield from price.charges(price.converted(Fraction(parts[-1][1])), WHOLE)
        return
    for part, quantity in parts:
        if len(parts) > 1:
            share = frame.share(price, [part], attachment)
        for charge in price.charges(price.converted(Fraction(quantity)), WHOLE):
            yield Charge(
                what=f"{charge.what}, {part.start:%Y-%m-%d %H:%M} to {part.end:%Y-%m-%d %H:%M} UTC",
                quantity=charge.quantity * share,
                unit_amount=charge.unit_amount,
                amount=charge.amount * share,
            )


def _owed_before(frame: Frame, attachment: Attachment, price: Price) -> bool:
    """Whether the cycle before, part of the same full period, had this fee already."""
    return frame.cycle.continued and any(
        run.carried and not run.cancelled and price.ref in run.prices for run in attachment.runs
    )


def _describe(
    attachment: str,
    run: Run,
    price: Price,
    parts: Sequence[Part],
    quantity: Fraction,
    share: Fraction,
) -> str:
    text = f"{run.name} ({attachment}): {price.name}"
    if price.proration != "none" and len({count for _, count in parts}) > 1:
        text += f" × {plain(quantity, 2)} on average"
    elif quantity != 1:
        text += f" × {plain(quantity)}"
    if share != WHOLE:
        text += f", {plain(share * 100, 2)}% of the period"
    return shortened(text)
