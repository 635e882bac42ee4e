"""Metered lines: tallies × prices, tiers and allowances over the whole price of an attachment."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from domain.attachment import Run
from domain.catalog import Meter
from domain.invoice import Charge, LineItem, exact_sum
from domain.line_key import line_key
from domain.money import rounded, step
from domain.price import Price
from domain.quantity import plain
from domain.rating.frame import WHOLE, Frame, Priced
from domain.rating.measured import Group, Measured, measured
from domain.rating.sharing import largest_remainder
from domain.tally import Tallies
from domain.text import shortened


@dataclass(kw_only=True, slots=True)
class _Metered:
    """One metered price of one attachment: what was measured, by group."""

    frame: Frame
    attachment: str
    run: Run
    price: Price
    meter: Meter
    share: Fraction
    groups: Mapping[Group, Measured]


def metered(frame: Frame, tallies: Tallies) -> Iterator[Priced]:
    """One line per attachment, metered price and group; lines that come to nothing are left out."""
    found = measured(frame, tallies)
    for attachment, price, runs in frame.prices("metered"):
        share = frame.share(price, frame.spans(runs), attachment)
        part = _Metered(
            frame=frame,
            attachment=attachment.id,
            run=runs[-1],
            price=price,
            meter=frame.meters[price.meter or ""],
            # Allowance and tiers are those of the whole period, also for what is earned by now:
            # it would be more than the bill if they grew with the days.
            share=frame.share(price, frame.spans_of_period(runs), attachment),
            groups=found.get((attachment.id, price.ref)) or {(): Measured()},
        )
        lines = list(_lines(part))
        yield Priced(attachment=attachment.id, price=price, share=share, lines=lines)


def _lines(part: _Metered) -> Iterator[LineItem]:
    if not _rated_alone(part):
        yield from _shared_lines(part)
        return
    for group, each in part.groups.items():
        charges = _charges(part, each)
        unrounded = exact_sum(charges)
        if each.quantity or unrounded:
            amount = rounded(unrounded, part.frame.cycle.currency)
            yield _line(part, group, each.quantity, charges, unrounded, amount)


def _rated_alone(part: _Metered) -> bool:
    """Whether pricing the groups one by one is right: what is below zero offsets the others."""
    price = part.price
    if price.per_group or len(part.groups) == 1:
        return True
    below = any(each.quantity < 0 for each in part.groups.values())
    plainly = price.model.linear and not price.included and price.rounding == "none"
    return plainly and not price.model.per_record and not below


def _charges(part: _Metered, each: Measured) -> tuple[Charge, ...]:
    price = part.price
    records = [price.converted(value) for value in each.values()]
    return price.charges(price.converted(each.quantity), part.share, records)


def _shared_lines(part: _Metered) -> Iterator[LineItem]:
    """The whole quantity is priced at once and shared out to its groups by quantity.

    Where they come to nothing together, what is owed all the same stands on a line of its own.
    """
    whole = _together(part.groups)
    charges = _charges(part, whole)
    unrounded, currency = exact_sum(charges), part.frame.cycle.currency
    total = rounded(unrounded, currency)
    if whole.quantity:
        groups = {group: each.quantity for group, each in part.groups.items() if each.quantity}
        ratios = {group: quantity / whole.quantity for group, quantity in groups.items()}
    else:
        ratios = {(): Fraction(1)} if unrounded else {}
    amounts = largest_remainder(total, ratios, step(currency))
    for group, ratio in ratios.items():
        parts = tuple(_scaled(charge, ratio) for charge in charges)
        quantity = part.groups[group].quantity if group in part.groups else Fraction(0)
        yield _line(part, group, quantity, parts, unrounded * ratio, amounts[group])


def _together(groups: Mapping[Group, Measured]) -> Measured:
    """All groups as one."""
    return Measured(
        quantity=sum((each.quantity for each in groups.values()), Fraction(0)),
        records=[record for each in groups.values() for record in each.records],
    )


def _scaled(charge: Charge, ratio: Fraction) -> Charge:
    return Charge(
        what=charge.what,
        quantity=charge.quantity * ratio,
        unit_amount=charge.unit_amount,
        amount=charge.amount * ratio,
    )


def _line(
    part: _Metered,
    group: Group,
    quantity: Fraction,
    charges: tuple[Charge, ...],
    unrounded: Fraction,
    amount: int,
) -> LineItem:
    return LineItem(
        key=line_key("usage", part.attachment, part.price.ref, group=dict(group)),
        kind="usage",
        description=_describe(part, group, quantity),
        quantity=quantity,
        unit=_unit(part.meter),
        amount=amount,
        unrounded=unrounded,
        period=part.frame.cycle.period.whole_seconds(),
        price=part.price.ref,
        attachment=part.attachment,
        proration=None if part.share == WHOLE else (part.share.numerator, part.share.denominator),
        charges=charges,
    )


def _unit(meter: Meter) -> str:
    return f"{meter.unit}-second" if meter.aggregation == "time_weighted" else meter.unit


def _describe(part: _Metered, group: Group, quantity: Fraction) -> str:
    where = "".join(f", {name} {value}" for name, value in group if value)
    what = f"{part.run.name} ({part.attachment}): {part.price.name}{where}"
    return shortened(f"{what}, {plain(quantity)} {_unit(part.meter)}")
