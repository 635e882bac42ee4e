"""What an invoice's story is told from: its cycle's events, and those of others about it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from application.case_views import CaseFilter, CaseLists, by_customer
from application.desired import organization_of
from application.ports import Books, EventLog
from domain.errors import NotFound
from domain.events.amounts import CreditApplied
from domain.events.base import Recorded
from domain.events.case import CaseReopened, CaseReported, CaseResolved
from domain.events.cycle import CycleOpened, FinalizationStarted, ServiceAttached, ServiceSwapped
from domain.events.organization import CreditExpired, CreditGranted
from domain.events.outcome import InvoiceVoided
from domain.events.stripe_invoice import StripeInvoiceEvent
from domain.identity import case_stream, organization_stream, stripe_stream

CaseNames = Callable[[str], Sequence[str]]
"""The cases about a cycle, by the cycle's name."""

CASES_MAX = 100
"""Cases that a story tells of: the newest ones."""

SUPPORT = "Support"
"""Who of support answered a case is nobody's business here."""


class Stories:
    """Gathers what a story tells. All but the cycle's own events come in one read.

    cases: by a projection: a new one is told of a moment later.
    """

    def __init__(self, books: Books, log: EventLog, cases: CaseNames) -> None:
        self._books = books
        self._log = log
        self._cases = cases

    def events(self, cycle: str) -> list[Recorded]:
        """Everything about a cycle's invoice, in the log's order.

        Raises:
            NotFound: no such cycle.
        """
        history = self._books.history(cycle)
        if not history:
            raise NotFound(f"there is no billing cycle {cycle}", cycle=cycle)
        own = (stripe_stream(cycle), organization_stream(organization_of(cycle)))
        cases = (case_stream(case) for case in self._cases(cycle))
        together = [*history, *about(history, self._log.read_together((*own, *cases)))]
        return sorted(together, key=lambda each: each.position)


def newest_cases(lists: CaseLists) -> CaseNames:
    """Finds a cycle's cases in their lists."""
    return lambda cycle: [
        each.case for each in lists.list(CaseFilter(cycle=cycle), None, CASES_MAX)
    ]


def about(history: Sequence[Recorded], others: Iterable[Recorded]) -> Iterator[Recorded]:
    """What of other streams belongs into a cycle's story. history: the cycle's own.

    That is its life at Stripe; credits that were granted while its invoice could use them, or that
    it did use, and what became of them; that there are problems, and what became of those.
    """
    credits = _Credits(history)
    for recorded in others:
        match recorded.event:
            case StripeInvoiceEvent():
                yield recorded
            case CreditGranted() | CreditExpired() if credits.concern(recorded):
                yield recorded
            case CaseReported() | CaseResolved() | CaseReopened():
                yield recorded if by_customer(recorded) else replace(recorded, actor=SUPPORT)


def prices_of(events: Iterable[Recorded]) -> set[str]:
    """The versions of prices that anything was attached at."""
    return {
        ref
        for each in events
        if isinstance(each.event, ServiceAttached | ServiceSwapped)
        for ref in each.event.prices
    }


class _Credits:
    """Which credits concern an invoice: those in its currency, from its cycle's first event on
    until it was settled, and those that it used."""

    def __init__(self, history: Sequence[Recorded]) -> None:
        self._since = history[0].position
        self._until: int | None = None
        self._currency = ""
        self._used: set[str] = set()
        self._told: set[str] = set()
        for recorded in history:
            match recorded.event:
                case CycleOpened(currency=currency):
                    self._currency = currency
                case CreditApplied(credit=credit):
                    self._used.add(credit)
                case FinalizationStarted():
                    self._until = recorded.position
                case InvoiceVoided(mode="forgive"):
                    self._until = self._until or recorded.position
                case InvoiceVoided():
                    self._until = None

    def concern(self, recorded: Recorded) -> bool:
        """Whether a grant is told here; what became of a credit is told where its grant was."""
        event, at = recorded.event, recorded.position
        if isinstance(event, CreditGranted):
            usable = event.currency == self._currency and self._since < at
            if event.credit in self._used or (usable and (not self._until or at < self._until)):
                self._told.add(event.credit)
        return getattr(event, "credit", None) in self._told
