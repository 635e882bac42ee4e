"""What lines have come to so far: what people waive, or set."""

from dataclasses import dataclass
from datetime import datetime

from application.live import InTurn, rate_cycle
from domain.billing_cycle import Status
from domain.catalog import Catalog
from domain.invoice import LineItem
from domain.line_key import about
from domain.rating import DECISIONS, Rated
from domain.rating.carry import CARRY_OUT

FOLLOWING = frozenset({"discount", "credit", "other", "stripe", *DECISIONS})
"""Kinds of lines that nobody waives or sets: they follow from others, or are decided elsewhere."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SoFar:
    """A line that can be waived or set. Minor units, after discounts and with what was decided.

    amount: what it has come to. total: what the invoice asks for it, as far as is known.
    """

    line: LineItem
    amount: int
    total: int


def adjustable(line: LineItem) -> bool:
    """Whether people decide about a line itself, not about what it follows from."""
    return line.kind not in FOLLOWING and line.key != CARRY_OUT


def so_far(turn: InTurn, catalog: Catalog, at: datetime) -> tuple[SoFar, ...]:
    """Every adjustable line by ``at``. None has come to more than the invoice asks for it."""
    rated, cycle = turn.rated, turn.state.cycle
    by_then = rated
    if cycle.status is Status.ACCRUING and at < cycle.period.end:
        by_then = rate_cycle(turn.state, catalog, turn.around, until=at)
    return tuple(
        SoFar(line=line, amount=min(asked(by_then, line.key), total), total=total)
        for line in rated.lines
        if adjustable(line)
        for total in [asked(rated, line.key)]
    )


def asked(rated: Rated, line: str) -> int:
    """What is asked for a line, after discounts, and with what was decided on it."""
    mine = {line, about("waive", line), about("override", line)}
    return sum(each.amount for each in rated.lines if each.key in mine) - rated.off.get(line, 0)
