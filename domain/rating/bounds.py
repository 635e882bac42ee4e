"""Minimum commitment and maximum spend of one price of an attachment, after discounts."""

from dataclasses import replace
from fractions import Fraction

from domain.invoice import Charge, LineItem
from domain.line_key import line_key
from domain.money import rounded, step
from domain.rating.discounts import Discounted
from domain.rating.frame import Frame, Priced
from domain.rating.sharing import largest_remainder
from domain.text import shortened


def bounded(frame: Frame, part: Priced, discounts: Discounted) -> list[LineItem]:
    """A price's lines: with a line up to the minimum, or each cut down to its part of the maximum.

    Both count for the share of a full period, and to the cent on what the invoice shows.
    """
    off = discounts.off_all(part.lines)
    owed = sum(line.amount for line in part.lines) - off
    lines = part.lines
    if part.price.minimum is not None and part.share:
        lines = [*lines, *_up_to(frame, part, part.price.minimum * part.share - owed, owed)]
    if part.price.maximum is not None:
        most = part.price.maximum * part.share
        if owed > rounded(most, frame.cycle.currency):
            lines = _cut(frame, part, most + off)
    return lines


def _up_to(frame: Frame, part: Priced, missing: Fraction, owed: int) -> list[LineItem]:
    """The true-up line, where something is missing to the minimum."""
    amount = rounded(missing, frame.cycle.currency)
    if amount <= 0:
        return []
    minimum = part.price.minimum or Fraction(0)
    charges = (
        Charge(
            what="minimum",
            quantity=part.share,
            unit_amount=minimum,
            amount=minimum * part.share,
        ),
        Charge(
            what="on other lines, after discounts",
            quantity=Fraction(1),
            unit_amount=Fraction(-owed),
            amount=Fraction(-owed),
        ),
    )
    return [
        LineItem(
            key=line_key("minimum", part.attachment, part.price.ref),
            kind="minimum",
            description=shortened(f"{part.price.name} ({part.attachment}): up to the minimum"),
            quantity=Fraction(1),
            unit=None,
            amount=amount,
            unrounded=missing,
            period=frame.cycle.period.whole_seconds(),
            price=part.price.ref,
            attachment=part.attachment,
            charges=charges,
        )
    ]


def _cut(frame: Frame, part: Priced, most: Fraction) -> list[LineItem]:
    """Each line with its part of what may be owed at most."""
    whole = sum(line.amount for line in part.lines)
    ratios = {line.key: Fraction(line.amount, whole) for line in part.lines}
    currency = frame.cycle.currency
    amounts = largest_remainder(rounded(most, currency), ratios, step(currency))
    return [_cut_line(line, most * ratios[line.key], amounts[line.key]) for line in part.lines]


def _cut_line(line: LineItem, unrounded: Fraction, amount: int) -> LineItem:
    less = unrounded - line.unrounded
    cut = Charge(what="above the maximum", quantity=Fraction(1), unit_amount=less, amount=less)
    return replace(line, charges=(*line.charges, cut), unrounded=unrounded, amount=amount)
