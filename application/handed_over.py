"""What a settled invoice left to the next one, where that turns out otherwise."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import pairwise

from application.cycles import every_cycle, follows
from application.live import InTurn
from application.ports import OpenBooks
from domain.billing_cycle import BillingCycle


def pass_on(books: OpenBooks, turns: Iterable[InTurn]) -> None:
    """Record what settled cycles leave otherwise than is recorded.

    To be done where late amounts are billed or given up: nobody looks at a cycle any more of
    which nothing is open, and the next one must not fall back to what it was left before.
    """
    for before, after in pairwise(turns):
        if before.state.cycle.settled is not None and before.left is not None:
            books.append(after.state.cycle, [before.left])


def take_off_ahead(books: OpenBooks, cycle: BillingCycle, lines: Mapping[str, int]) -> None:
    """Let the next cycle give back no more than was asked for in the end.

    cycle: whose invoice billed ahead. lines: minor units that are not asked for any more, by
    line.
    """
    for later in every_cycle(books):
        left = later.known_handover
        if not follows(cycle, later) or left is None:
            continue
        ahead = tuple(
            each._replace(amount=max(each.amount - lines.get(each.line, 0), 0))
            for each in left.ahead
        )
        if ahead != left.ahead:
            books.append(later, [replace(left, ahead=ahead)])
