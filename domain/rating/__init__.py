"""Rating: from what a cycle holds and its tallies to its invoice. One function for every use."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from domain.billing_cycle import BillingCycle
from domain.catalog import Meter
from domain.events.amounts import Ahead, HandedOver, Level, OneOffItemAdded
from domain.events.cycle import Coming
from domain.invoice import Invoice, LineItem
from domain.line_key import about, line_key
from domain.period import Period
from domain.price import PriceBook
from domain.rating.adjustments import adjustment_lines
from domain.rating.adopted import adopted_lines
from domain.rating.ahead import billed_ahead, left_over
from domain.rating.bounds import bounded
from domain.rating.carry import CARRY_OUT, carried_in, carried_out
from domain.rating.credits import credit_lines
from domain.rating.discounts import discounted
from domain.rating.fees import recurring
from domain.rating.frame import Frame, Priced
from domain.rating.late import LateDifference, late_difference, late_lines
from domain.rating.measured import levels_left
from domain.rating.metered import metered
from domain.rating.once import once
from domain.rating.rollup import rolled_up
from domain.rating.surroundings import ALONE, Credit, Surroundings
from domain.rating.taxable import taxable
from domain.tally import Tallies, TallyKey

__all__ = ["ALONE", "Credit", "LateDifference", "Rated", "Surroundings", "late_difference", "rate"]

DECISIONS = ("waive", "override", "edited")
"""Kinds of lines by which a person changes another one, whose key theirs contains."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rated:
    """An invoice, and what else its rating found.

    lines: the invoice's, as they are before automatic tax has the ones below zero reduce others.
    basis: lines before roll-up, by key, without what is billed ahead, was decided by hand,
    credits and amounts carried: what late facts are measured against. off: minor units that
    discounts took off, by line key. unpriced: tallies that nothing prices.
    ahead, levels, carried: what is left to the next cycle. coming: that cycle.
    """

    invoice: Invoice
    lines: tuple[LineItem, ...]
    basis: Mapping[str, LineItem]
    off: Mapping[str, int]
    unpriced: tuple[TallyKey, ...]
    ahead: tuple[Ahead, ...]
    levels: tuple[Level, ...]
    coming: Coming | None

    @property
    def carried(self) -> int:
        """Minor units that the next invoice takes over, positive where they are owed."""
        return -sum(line.amount for line in self.lines if line.key == CARRY_OUT)

    def handover(self, start: datetime) -> HandedOver:
        """What the cycle would leave to the next one if it were settled now."""
        return HandedOver(
            at=start,
            cycle=self.invoice.cycle,
            amount=self.carried,
            ahead=self.ahead,
            levels=self.levels,
        )


def rate(
    cycle: BillingCycle,
    tallies: Tallies,
    book: PriceBook,
    meters: Mapping[str, Meter],
    around: Surroundings = ALONE,
    until: datetime | None = None,
) -> Rated:
    """Price everything in a cycle. The same facts and prices give the same invoice, to the cent.

    What runs is taken to go on to the period's end: the present never enters. ``until`` cuts
    time-based lines at an instant, for the figure "accrued so far" only.

    Args:
        cycle: attachments, items, credits and decisions as the events made them.
        tallies: what its usage adds up to.
        around: what is taken from outside; ignored where it is settled.
    """
    settled = cycle.settled is not None
    coming = cycle.settled.coming if cycle.settled else around.coming
    handover = cycle.handover if settled else around.handover or cycle.handover
    span = cycle.period if until is None else cycle.period.overlap(cycle.period.start, until)
    frame = Frame(cycle=cycle, book=book, meters=meters, span=span, handover=handover)
    priced = [
        *recurring(frame, None if until else coming),
        *metered(frame, tallies),
        *once(frame),
    ]
    discounts = discounted(frame, priced)
    rated = [line for part in priced for line in bounded(frame, part, discounts)]
    ours = [line for line in rated if line.kind != "coming"]
    basis = {line.key: line for line in [*ours, *discounts.of_this_period()]}
    outside = list(_from_outside(frame, around))
    asked = {line.key: line for line in [*rated, *outside]}
    decided = [*adjustment_lines(cycle, asked, discounts.off), *adopted_lines(cycle, asked)]
    lines = [*rated, *discounts.lines, *outside, *decided]
    lines = list(rolled_up(lines, cycle, book))
    lines += credit_lines(cycle, around.credits, sum(line.amount for line in lines))
    lines += carried_out(cycle, lines, around)
    taxed = cycle.settled.automatic_tax if cycle.settled else around.automatic_tax
    return Rated(
        invoice=_invoice(cycle, taxable(lines, cycle, book) if taxed else lines),
        lines=tuple(lines),
        basis=basis,
        unpriced=tuple(sorted(key for key in tallies if not key.price)),
        off=discounts.off,
        ahead=tuple(_ahead(frame, priced, discounts.off, decided)),
        levels=levels_left(frame, tallies),
        coming=coming,
    )


def _from_outside(frame: Frame, around: Surroundings) -> Iterator[LineItem]:
    """What people added, and what comes from other cycles."""
    cycle = frame.cycle
    yield from (_item_line(item) for item in cycle.items.values())
    late = cycle.late_amounts.values() if cycle.settled else around.late
    for billed in late:
        yield from late_lines(billed)
    yield from carried_in(cycle, frame.handover)


def _ahead(
    frame: Frame, priced: list[Priced], off: Mapping[str, int], decided: list[LineItem]
) -> Iterator[Ahead]:
    """What the next cycle will have been billed for, after discounts and what people decided."""
    changed = {line.key: line.amount for line in decided}
    for part in priced:
        for line in part.lines:
            if line.kind == "coming":
                by_hand = sum(changed.get(about(kind, line.key), 0) for kind in DECISIONS)
                yield billed_ahead(line, off.get(line.key, 0) - by_hand)
    yield from left_over(frame)


def _item_line(item: OneOffItemAdded) -> LineItem:
    return LineItem(
        key=line_key("item", item.item),
        kind="item",
        description=item.description,
        quantity=Fraction(1),
        unit=None,
        amount=item.amount,
        unrounded=Fraction(item.amount),
        period=Period(item.at, item.at).whole_seconds(),
    )


def _invoice(cycle: BillingCycle, lines: Sequence[LineItem]) -> Invoice:
    return Invoice(
        cycle=cycle.id,
        organization=cycle.organization,
        currency=cycle.currency,
        period=cycle.period,
        revision=cycle.revision,
        lines=tuple(sorted(lines, key=lambda line: line.key)),
    )
