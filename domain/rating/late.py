"""What became known late: the exact difference to what was settled, line by line."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain

from domain.billing_cycle import BillingCycle
from domain.events.late import LateAmountsBilled, LateLine
from domain.identity import parse_cycle_name
from domain.invoice import Charge, LineItem
from domain.line_key import about
from domain.period import Period
from domain.text import shortened


@dataclass(frozen=True, kw_only=True, slots=True)
class LateDifference:
    """What a settled cycle would come to more, or less, with everything known now.

    lines: to be billed. proposals: of lines that a person adjusted; a person decides.
    """

    cycle: str
    lines: tuple[LateLine, ...]
    proposals: tuple[LateLine, ...]


def late_difference(cycle: BillingCycle, known: Mapping[str, LineItem]) -> LateDifference:
    """Rated with everything known, minus what was settled, minus what was billed late already.

    known: what it comes to now, by line key, before roll-up and without what was decided by
    hand, credits and amounts carried; as ``FinalizationStarted.basis`` is.
    """
    basis = cycle.settled.basis if cycle.settled else {}
    billed = _billed(cycle)
    keys = sorted({*basis, *known, *billed})
    found = [
        _late(cycle, known.get(key), key, basis.get(key, 0), billed.get(key, 0)) for key in keys
    ]
    waiting = cycle.adjusted_lines() - cycle.agreed_late
    changed = [line for line in found if line.amount]
    return LateDifference(
        cycle=cycle.id,
        lines=tuple(line for line in changed if line.line not in waiting),
        proposals=tuple(line for line in changed if line.line in waiting),
    )


def _billed(cycle: BillingCycle) -> dict[str, int]:
    total: dict[str, int] = {}
    for key, amount in chain.from_iterable(each.items() for each in cycle.billed_late.values()):
        total[key] = total.get(key, 0) + amount
    return total


def _late(
    cycle: BillingCycle, now: LineItem | None, key: str, settled: int, billed: int
) -> LateLine:
    known = now.amount if now else 0
    period = now.period if now else cycle.period.whole_seconds()
    return LateLine(
        line=key,
        description=now.description if now else key,
        amount=known - settled - billed,
        known=known,
        settled=settled,
        billed=billed,
        start=period.start,
        end=period.end,
        price=now.price if now else None,
        attachment=now.attachment if now else None,
    )


def late_lines(billed: LateAmountsBilled) -> Iterator[LineItem]:
    """The lines by which an invoice bills what became known late of another cycle."""
    parsed = parse_cycle_name(billed.cycle)
    begun = parsed[1].isoformat() if parsed else billed.cycle
    for late in billed.lines:
        yield LineItem(
            key=about(f"late/{begun}", late.line),
            kind="late",
            description=shortened(f"Late for {begun}: {late.description}"),
            quantity=Fraction(1),
            unit=None,
            amount=late.amount,
            unrounded=Fraction(late.amount),
            period=Period(late.start, late.end),
            price=late.price,
            attachment=late.attachment,
            charges=tuple(_charges(late)),
            corrects=f"{billed.cycle}/{late.line}",
        )


def _charges(late: LateLine) -> Iterator[Charge]:
    parts = [
        ("with everything known now", late.known),
        ("as it was settled", -late.settled),
        ("billed late before", -late.billed),
    ]
    for what, amount in parts:
        if amount or what.startswith("with"):
            exact = Fraction(amount)
            yield Charge(what=what, quantity=Fraction(1), unit_amount=exact, amount=exact)
