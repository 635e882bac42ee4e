"""Diffing: why an invoice's amount changed between two instants of the log's clock."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta

from application.desired import organization_of
from application.diff_steps import Steps
from application.live import InTurn, in_turn
from application.past import Past
from application.ports import Books, CatalogReader, EventLog
from application.replays import CycleRecord, CycleRecords
from domain.errors import InvalidInput, NotFound
from domain.events.amounts import CreditApplied, HandedOver
from domain.events.base import Recorded
from domain.events.cycle import FinalizationStarted
from domain.events.late import LateAmountsBilled
from domain.events.usage import UsageRecorded
from domain.identity import cycle_stream
from domain.rating import ALONE, Surroundings
from projections.diff import Cause

__all__ = ["Cause", "Diffing", "InvoiceDiff"]

TICK = timedelta(microseconds=1)
SETTLING = (CreditApplied, LateAmountsBilled, HandedOver)
"""What is recorded just before an invoice is settled, of what it takes from outside."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InvoiceDiff:
    """What an invoice came to by what was known at two instants, in minor units, and why.

    known_to: ``None`` for now. causes: their amounts add up to the difference.
    """

    cycle: str
    currency: str
    known_from: datetime
    known_to: datetime | None
    was: int
    becomes: int
    causes: tuple[Cause, ...]

    @property
    def difference(self) -> int:
        """What the causes add up to."""
        return self.becomes - self.was


class Diffing:
    """Takes what became known apart. Changes nothing."""

    def __init__(
        self, books: Books, log: EventLog, catalog: CatalogReader, records: CycleRecords
    ) -> None:
        self._books = books
        self._log = log
        self._catalog = catalog
        self._records = records

    def diff(
        self, cycle: str, known_from: datetime, known_to: datetime | None = None
    ) -> InvoiceDiff:
        """Why an invoice's amount changed. Before the cycle was opened it came to nothing.

        known_to: ``None`` for now.

        Raises:
            NotFound: there is no such cycle, or nobody knew of it by ``known_to``.
            InvalidInput: the instants are not in order, or lie in the future.
        """
        if known_to is not None and known_to < known_from:
            raise InvalidInput("to must not lie before from", field="to")
        new = self._turn(cycle, known_to)
        begun = new.state.cycle.opened_at <= known_from
        old = self._known(cycle, known_from) if begun else None
        with self._opened(cycle, known_from, old) as record:
            news = self._news(cycle, record, known_to)
            before = self._around(cycle, news, known_to, new)
            steps = Steps.begin(old, record, news, self._catalog.current())
            causes = tuple(steps.causes(before, new.rated.invoice.subtotal))
        return InvoiceDiff(
            cycle=cycle,
            currency=new.state.cycle.currency,
            known_from=known_from,
            known_to=known_to,
            was=old.rated.invoice.subtotal if old else 0,
            becomes=new.rated.invoice.subtotal,
            causes=causes,
        )

    def _turn(self, cycle: str, known_at: datetime | None) -> InTurn:
        if known_at is None:
            return self._live(cycle)
        past = Past(
            books=self._books,
            log=self._log,
            catalog=self._catalog,
            records=self._records,
            as_of=None,
            known_at=known_at,
        )
        return past.cycle(organization_of(cycle), cycle)[0]

    def _live(self, cycle: str) -> InTurn:
        """As it is now: from what usage adds up to, and not from the usage."""
        snapshot = self._books.snapshot(organization_of(cycle), cycle)
        for turn in in_turn(snapshot, self._catalog.current(), cycle):
            if turn.state.cycle.id == cycle:
                return turn
        raise NotFound(f"there is no billing cycle {cycle}", cycle=cycle)

    def _known(self, cycle: str, known_at: datetime) -> InTurn | None:
        try:
            return self._turn(cycle, known_at)
        except NotFound:
            return None

    def _opened(
        self, cycle: str, known_at: datetime, old: InTurn | None
    ) -> AbstractContextManager[CycleRecord | None]:
        return self._records.opened(cycle, known_at) if old else nullcontext()

    def _news(
        self, cycle: str, record: CycleRecord | None, known_to: datetime | None
    ) -> list[Recorded]:
        """The cycle's events that became known in between, in the log's order."""
        found = self._log.read(cycle_stream(cycle), after=record.version if record else 0)
        return [each for each in found if known_to is None or each.recorded_at <= known_to]

    def _around(
        self, cycle: str, news: Sequence[Recorded], known_to: datetime | None, new: InTurn
    ) -> Surroundings:
        """What was taken from outside at the end; of a settled invoice, just before that."""
        settling = _settling(news)
        if settling is None:
            return new.around
        known = self._known(cycle, settling.recorded_at - TICK)
        return known.around if known else ALONE


def _settling(news: Sequence[Recorded]) -> Recorded | None:
    """The first of the events that settled the invoice at once, if they are among the news."""
    control = [each for each in news if not isinstance(each.event, UsageRecorded)]
    places = [n for n, each in enumerate(control) if isinstance(each.event, FinalizationStarted)]
    if not places:
        return None
    place = places[0]
    while place and isinstance(control[place - 1].event, SETTLING):
        place -= 1
    return control[place]
