"""One-off prices: owed once, when an attachment begins to have them."""

from collections.abc import Iterator
from fractions import Fraction

from domain.attachment import Run
from domain.invoice import LineItem, exact_sum
from domain.line_key import line_key
from domain.money import rounded
from domain.period import Period
from domain.price import Price
from domain.quantity import plain
from domain.rating.frame import WHOLE, Frame, Priced
from domain.text import shortened


def once(frame: Frame) -> Iterator[Priced]:
    """One line per attachment and one-off price that it got in this cycle."""
    for attachment, price, runs in frame.prices("one_off"):
        first = next((run for run in runs if not run.cancelled), runs[0])
        if first.carried or frame.span is None or first.since not in frame.span:
            continue
        lines = [_line(frame, attachment.id, price, first)]
        yield Priced(attachment=attachment.id, price=price, share=WHOLE, lines=lines)


def _line(frame: Frame, attachment: str, price: Price, run: Run) -> LineItem:
    quantity = Fraction(run.quantities[0][1])
    charges = price.charges(price.converted(quantity), WHOLE)
    unrounded = exact_sum(charges)
    times = "" if quantity == 1 else f" × {plain(quantity)}"
    return LineItem(
        key=line_key("once", attachment, price.ref),
        kind="once",
        description=shortened(f"{run.name} ({attachment}): {price.name}{times}"),
        quantity=quantity,
        unit=None,
        amount=rounded(unrounded, frame.cycle.currency),
        unrounded=unrounded,
        period=Period(run.since, run.since).whole_seconds(),
        price=price.ref,
        attachment=attachment,
        charges=charges,
    )
