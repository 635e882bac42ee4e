"""Recurring fees: what attachments cost for the time they were on."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from domain.attachment import Run
from domain.billing_cycle import BillingCycle
from domain.invoice import Charge, LineItem
from domain.line_key import line_key
from domain.money import rounded
from domain.period import Period
from domain.price import Price, PriceBook
from domain.quantity import plain
from domain.text import shortened

WHOLE = Fraction(1)


@dataclass(kw_only=True)
class _Fee:
    """All stretches of one attachment at one price; together they make one line."""

    run: Run
    price: Price
    parts: list[tuple[Period, Decimal]] = field(default_factory=list)


def fee_lines(
    cycle: BillingCycle, book: PriceBook, span: Period, full: Period
) -> Iterator[LineItem]:
    """One line per attachment and recurring price, for the seconds attached within ``span``."""
    for attachment in cycle.attachments.values():
        fees: dict[str, _Fee] = {}
        for run in attachment.runs:
            for ref in run.prices:
                if book[ref].kind == "recurring":
                    fee = fees.setdefault(ref, _Fee(run=run, price=book[ref]))
                    fee.parts += run.parts(span)
        for fee in fees.values():
            if fee.parts:
                yield _line(cycle, attachment.id, fee, full)


def _line(cycle: BillingCycle, attachment: str, fee: _Fee, full: Period) -> LineItem:
    charges = tuple(_charges(fee, full))
    unrounded = sum((charge.amount for charge in charges), Fraction(0))
    quantity = _quantity(fee)
    seconds = sum(part.microseconds for part, _ in fee.parts)
    prorated = fee.price.proration != "none" and seconds != full.microseconds
    return LineItem(
        key=line_key("fee", attachment, fee.price.ref),
        kind="fee",
        description=_describe(attachment, fee, quantity, seconds if prorated else 0, full),
        quantity=quantity,
        unit=None,
        amount=rounded(unrounded, cycle.currency),
        unrounded=unrounded,
        period=Period(fee.parts[0][0].start, fee.parts[-1][0].end).whole_seconds(),
        price=fee.price.ref,
        attachment=attachment,
        proration=(seconds, full.microseconds) if prorated else None,
        charges=charges,
    )


def _quantity(fee: _Fee) -> Fraction:
    """What it counted for: on average where that varied; a price owed once has only the last."""
    if fee.price.proration == "none":
        return Fraction(fee.parts[-1][1])
    weighted = [Fraction(count) * part.microseconds for part, count in fee.parts]
    return sum(weighted, Fraction(0)) / sum(part.microseconds for part, _ in fee.parts)


def _charges(fee: _Fee, full: Period) -> Iterator[Charge]:
    """What each stretch of constant quantity comes to, for its share of the full period.

    A price without proration is owed once, for the quantity it ended with.
    """
    if fee.price.proration == "none":
        yield from fee.price.model.rate(Fraction(fee.parts[-1][1]), WHOLE)
        return
    for part, quantity in fee.parts:
        share = part.share_of(full)
        for charge in fee.price.model.rate(Fraction(quantity), WHOLE):
            yield Charge(
                what=f"{charge.what}, {part.start:%Y-%m-%d %H:%M} to {part.end:%Y-%m-%d %H:%M} UTC",
                quantity=charge.quantity * share,
                unit_amount=charge.unit_amount,
                amount=charge.amount * share,
            )


def _describe(attachment: str, fee: _Fee, quantity: Fraction, seconds: int, full: Period) -> str:
    text = f"{fee.run.name} ({attachment}): {fee.price.name}"
    if fee.price.proration != "none" and len({count for _, count in fee.parts}) > 1:
        text += f" × {plain(quantity, 2)} on average"
    elif quantity != 1:
        text += f" × {plain(quantity)}"
    if seconds:
        text += f", {plain(Fraction(seconds * 100, full.microseconds), 2)}% of the period"
    return shortened(text)
