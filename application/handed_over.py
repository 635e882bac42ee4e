"""What was billed ahead, where the invoice that did asks for less of it after all."""

from collections.abc import Mapping
from dataclasses import replace

from application.cycles import every_cycle, follows
from application.ports import OpenBooks
from domain.billing_cycle import BillingCycle


def take_off_ahead(books: OpenBooks, cycle: BillingCycle, lines: Mapping[str, int]) -> None:
    """Let the next cycle give back no more than was asked for in the end.

    cycle: whose invoice billed ahead. lines: minor units that are not asked for any more, by
    line.
    """
    for later in every_cycle(books):
        left = later.as_known().handover
        if not follows(cycle, later) or left is None:
            continue
        ahead = tuple(
            each._replace(amount=max(each.amount - lines.get(each.line, 0), 0))
            for each in left.ahead
        )
        if ahead != left.ahead:
            books.append(later, [replace(left, ahead=ahead)])
