"""Metered lines: tallies × prices, tiers and allowances over the whole price of an attachment."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from domain.attachment import Attachment, Run
from domain.billing_cycle import BillingCycle
from domain.catalog import Meter
from domain.invoice import Charge, LineItem
from domain.line_key import line_key
from domain.money import rounded, step
from domain.period import Period
from domain.price import Price, PriceBook
from domain.quantity import plain
from domain.tally import Tallies
from domain.text import shortened

Group = tuple[tuple[str, str], ...]


@dataclass(kw_only=True)
class _Metered:
    """One metered price of one attachment: its measured quantity by group."""

    attachment: str
    run: Run
    price: Price
    meter: Meter
    share: Fraction
    groups: dict[Group, Fraction]


def usage_lines(
    cycle: BillingCycle,
    tallies: Tallies,
    book: PriceBook,
    meters: Mapping[str, Meter],
    span: Period,
) -> Iterator[LineItem]:
    """One line per attachment, metered price and group; lines that come to nothing are left out."""
    measured = _measured(cycle, tallies, book, meters, span)
    for attachment in cycle.attachments.values():
        for price, run in _metered_prices(attachment, book):
            groups = measured.get((attachment.id, price.ref), {})
            spans = _spans(attachment, price.ref, span)
            yield from _lines(
                cycle,
                _Metered(
                    attachment=attachment.id,
                    run=run,
                    price=price,
                    meter=meters[price.meter or ""],
                    share=sum((part.share_of(cycle.full_period) for part in spans), Fraction(0)),
                    groups=groups or {(): Fraction(0)},
                ),
            )


def _metered_prices(attachment: Attachment, book: PriceBook) -> Iterator[tuple[Price, Run]]:
    """Each metered price once, with the last run that has it."""
    runs = {ref: run for run in attachment.runs for ref in run.prices}
    for ref, run in runs.items():
        if book[ref].kind == "metered":
            yield book[ref], run


def _spans(attachment: Attachment, ref: str, span: Period) -> list[Period]:
    parts = (span.overlap(run.since, run.until) for run in attachment.runs if ref in run.prices)
    return [part for part in parts if part]


def _measured(
    cycle: BillingCycle,
    tallies: Tallies,
    book: PriceBook,
    meters: Mapping[str, Meter],
    span: Period,
) -> dict[tuple[str, str], dict[Group, Fraction]]:
    """Quantities by (attachment, price ref) and group, converted to the price's unit."""
    found: dict[tuple[str, str], dict[Group, Fraction]] = {}
    for key, tally in tallies.items():
        if not key.price:
            continue
        price = book[key.price]
        running = _spans(cycle.attachments[key.attachment], key.price, span)
        quantity = tally.measured(meters[key.meter].aggregation, running) / price.divide_by
        group = tuple(pair for pair in key.dimensions if pair[0] in price.group_by)
        groups = found.setdefault((key.attachment, key.price), {})
        groups[group] = groups.get(group, Fraction(0)) + quantity
    return found


def _lines(cycle: BillingCycle, metered: _Metered) -> Iterator[LineItem]:
    price = metered.price
    if _rated_alone(metered):
        for group, quantity in metered.groups.items():
            charges = _rate(price, quantity, metered.share)
            unrounded = sum((charge.amount for charge in charges), Fraction(0))
            if quantity or unrounded:
                amount = rounded(unrounded, cycle.currency)
                yield _line(cycle, metered, group, charges, unrounded, amount)
        return
    yield from _shared_lines(cycle, metered)


def _rated_alone(metered: _Metered) -> bool:
    """Whether pricing the groups one by one is right: what is below zero offsets the others."""
    price = metered.price
    if price.per_group or len(metered.groups) == 1:
        return True
    below = any(quantity < 0 for quantity in metered.groups.values())
    return price.model.linear and not price.included and not below


def _rate(price: Price, quantity: Fraction, share: Fraction) -> tuple[Charge, ...]:
    """Included quantity comes off first, for the share of the period it was attached."""
    billable = max(quantity - price.included * share, Fraction(0))
    return price.model.rate(billable, share)


def _shared_lines(cycle: BillingCycle, metered: _Metered) -> Iterator[LineItem]:
    """The whole quantity is priced at once and shared out to its groups by quantity.

    Where they come to nothing together, what is owed all the same stands on a line of its own.
    """
    whole = sum(metered.groups.values(), Fraction(0))
    charges = _rate(metered.price, whole, metered.share)
    unrounded = sum((charge.amount for charge in charges), Fraction(0))
    total = rounded(unrounded, cycle.currency)
    if whole:
        ratios = {group: each / whole for group, each in metered.groups.items() if each}
    else:
        ratios = {(): Fraction(1)} if unrounded else {}
    amounts = _largest_remainder(total, ratios, step(cycle.currency))
    for group, ratio in ratios.items():
        parts = tuple(_scaled(charge, ratio) for charge in charges)
        yield _line(cycle, metered, group, parts, unrounded * ratio, amounts[group])


def _largest_remainder(total: int, ratios: Mapping[Group, Fraction], unit: int) -> dict[Group, int]:
    """Share an amount out so that the parts sum to it exactly.

    >>> _largest_remainder(100, {(("g", str(n)),): Fraction(1, 3) for n in range(3)}, 1)
    {(('g', '0'),): 34, (('g', '1'),): 33, (('g', '2'),): 33}
    """
    exact = {group: ratio * total / unit for group, ratio in ratios.items()}
    floors = {group: value.numerator // value.denominator for group, value in exact.items()}
    left = total // unit - sum(floors.values())
    order = sorted(exact, key=lambda group: (floors[group] - exact[group], group))
    for group in order[:left]:
        floors[group] += 1
    return {group: count * unit for group, count in floors.items()}


def _scaled(charge: Charge, ratio: Fraction) -> Charge:
    return Charge(
        what=charge.what,
        quantity=charge.quantity * ratio,
        unit_amount=charge.unit_amount,
        amount=charge.amount * ratio,
    )


def _line(
    cycle: BillingCycle,
    metered: _Metered,
    group: Group,
    charges: tuple[Charge, ...],
    unrounded: Fraction,
    amount: int,
) -> LineItem:
    price = metered.price
    quantity = metered.groups.get(group, Fraction(0)) * price.divide_by
    return LineItem(
        key=line_key("usage", metered.attachment, price.ref, group=dict(group)),
        kind="usage",
        description=_describe(metered, group, quantity),
        quantity=quantity,
        unit=_unit(metered.meter),
        amount=amount,
        unrounded=unrounded,
        period=cycle.period.whole_seconds(),
        price=price.ref,
        attachment=metered.attachment,
        charges=charges,
    )


def _unit(meter: Meter) -> str:
    return f"{meter.unit}-second" if meter.aggregation == "time_weighted" else meter.unit


def _describe(metered: _Metered, group: Group, quantity: Fraction) -> str:
    where = "".join(f", {name} {value}" for name, value in group if value)
    what = f"{metered.run.name} ({metered.attachment}): {metered.price.name}{where}"
    return shortened(f"{what}, {plain(quantity)} {_unit(metered.meter)}")
