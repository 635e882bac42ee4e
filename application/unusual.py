"""The anomaly check: a closed cycle's lines against the organization's own past invoices."""

from collections.abc import Callable
from datetime import datetime, timedelta

from application.insight_ports import PastInvoice, PastInvoices
from application.live import InTurn
from application.ports import OpenBooks
from domain.billing_cycle import BillingCycle
from domain.events.cycle import CycleHeld, UnusualLine
from domain.text import shortened
from projections.unusual import INVOICES_MAX, unusual, words

HOLD, OFF = "hold", "off"
KIND = "anomaly"

Check = Callable[[OpenBooks, InTurn, datetime], None]
"""Looks at a closed cycle that is about to be settled, under the lock; it may hold it."""


def no_check(books: OpenBooks, turn: InTurn, now: datetime) -> None:
    """Nothing is unusual."""


class AnomalyCheck:
    """Flags lines that are far from what they were, and holds their cycle where a policy says so.

    What was flagged once is not again, unless it changed much: so a released cycle goes on.
    """

    def __init__(self, invoices: PastInvoices) -> None:
        self._invoices = invoices

    def __call__(self, books: OpenBooks, turn: InTurn, now: datetime) -> None:
        """Look at one cycle. Without a policy against it, what is found stands on its invoice."""
        policy, cycle = books.organization.policy, turn.state.cycle
        if policy("anomaly") == OFF:
            return
        found = self.found(turn, int(str(policy("anomaly_factor"))))
        events = cycle.find_unusual(found, now)
        if not events:
            return
        books.append(cycle, events)
        if policy("anomaly") == HOLD and cycle.held is None:
            held = CycleHeld(at=now, kind=KIND, reason=_reason(found, cycle.currency))
            books.append(cycle, cycle.hold(held))

    def found(self, turn: InTurn, factor: int) -> tuple[UnusualLine, ...]:
        """The unusual lines of a cycle's invoice."""
        cycle = turn.state.cycle
        past = self._invoices.settled(cycle.organization, cycle.period.start, INVOICES_MAX)
        alike = [each.lines for each in past if _alike(each, cycle)]
        running = [name for name, each in cycle.attachments.items() if each.running_on()]
        return unusual(turn.rated.lines, alike, running, factor, cycle.currency)


def _alike(past: PastInvoice, cycle: BillingCycle) -> bool:
    """Whether a past invoice can be compared: of a period about as long, in the same currency."""
    mine = cycle.period.end - cycle.period.start
    length = past.end - past.start
    return past.currency == cycle.currency and abs(length - mine) <= max(
        mine / 10, timedelta(hours=1)
    )


def _reason(found: tuple[UnusualLine, ...], currency: str) -> str:
    return shortened("Unusual: " + "; ".join(words(each, currency) for each in found))
