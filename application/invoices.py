"""Invoices: what a customer owes, live or as it was, and why."""

from collections.abc import Sequence
from datetime import datetime

from application.desired import organization_of
from application.gateway import StripeStream
from application.invoice_view import invoice_view
from application.live import InTurn, rate_in_turn
from application.past import Past
from application.ports import Books, CatalogReader, CycleState, EventLog, Snapshot
from application.replays import CycleRecords
from application.views import CurrentView, Explanation, HistoryEntry, InvoiceView
from domain.errors import InvalidInput, NotFound, Unavailable
from domain.invoice import Invoice, LineItem
from projections.explanation import Behind, steps
from projections.history import story

WAIT_MAX_S = 5
"""How long a reader waits for a position that has not been reached."""

PAGE_MAX = 1_000


class Invoices:
    """Answers about invoices; changes nothing. Live and past answers are rated by one function.

    as_of: what had happened by then. known_at: what had been recorded by then. at_least: wait
    until the log has reached this position.
    """

    def __init__(
        self,
        books: Books,
        log: EventLog,
        catalog: CatalogReader,
        records: CycleRecords,
        stripe: StripeStream,
    ) -> None:
        self._books = books
        self._log = log
        self._catalog = catalog
        self._records = records
        self._stripe = stripe

    def current(
        self,
        organization: str,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        at_least: int | None = None,
    ) -> CurrentView:
        """The invoice of the cycle that accrues, and every other one not issued yet.

        Raises:
            NotFound: no such organization, or it had no cycle then.
            InvalidInput: ``known_at`` lies in the future.
            Unavailable: the position has not been reached yet.
        """
        self._wait(at_least)
        snapshot = self._books.snapshot(organization)
        if as_of is None and known_at is None:
            return self._current(snapshot)
        past = self._past(snapshot, as_of, known_at)
        found = past.unissued(organization, as_of or known_at or snapshot.now)
        views = [self._past_view(past, each, position, snapshot) for each, position in found]
        return CurrentView(invoice=views[-1], awaiting=tuple(views[:-1]))

    def get(
        self,
        cycle: str,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        at_least: int | None = None,
    ) -> InvoiceView:
        """One cycle's invoice.

        Raises:
            NotFound: no such cycle, or it had not begun then.
            InvalidInput: ``known_at`` lies in the future.
            Unavailable: the position has not been reached yet.
        """
        self._wait(at_least)
        organization = organization_of(cycle)
        snapshot = self._books.snapshot(organization, cycle)
        if as_of is None and known_at is None:
            return self._view(snapshot, self._live(snapshot, cycle))
        past = self._past(snapshot, as_of, known_at)
        found, position = past.cycle(organization, cycle)
        return self._past_view(past, found, position, snapshot)

    def history(
        self, cycle: str, after: int = 0, limit: int | None = None
    ) -> tuple[HistoryEntry, ...]:
        """The cycle's story, one sentence for each event after a version.

        Raises:
            NotFound: no such cycle.
        """
        history = self._books.history(cycle)
        if not history:
            raise NotFound(f"there is no billing cycle {cycle}", cycle=cycle)
        entries = [entry for entry in story(history) if entry.version > after]
        return tuple(entries if limit is None else entries[:limit])

    def explain(
        self, cycle: str, line_key: str, after: str | None = None, limit: int = 100
    ) -> Explanation:
        """Why a line comes to what it does, down to its usage records.

        Raises:
            NotFound: no such cycle, or no such line on its invoice.
            InvalidInput: ``after`` is no cursor of ours.
        """
        snapshot = self._books.snapshot(organization_of(cycle), cycle)
        state, _, rated = self._live(snapshot, cycle)
        line = _line(rated.invoice, line_key)
        catalog = self._catalog.current()
        behind = Behind(line, state.cycle, catalog)
        records = behind.count(state.tallies)
        history = self._books.history(cycle) if records else ()
        try:
            usage, cursor = behind.page(history, after, min(limit, PAGE_MAX))
        except ValueError:
            raise InvalidInput("not a cursor of this list", field="cursor") from None
        return Explanation(
            cycle=cycle,
            line=line,
            steps=steps(line, rated.invoice, catalog.book[line.price] if line.price else None),
            records=records,
            usage=usage,
            next_cursor=cursor,
        )

    def _current(self, snapshot: Snapshot) -> CurrentView:
        rated = self._in_turn(snapshot, snapshot.cycles)
        begun = [each for each in rated if each[0].cycle.period.start <= snapshot.now]
        accruing = (begun or rated)[-1]
        return CurrentView(
            invoice=self._view(snapshot, accruing),
            awaiting=tuple(self._view(snapshot, each) for each in rated if each is not accruing),
        )

    def _live(self, snapshot: Snapshot, cycle: str) -> InTurn:
        """A cycle rated after those that take from the credits before it."""
        states = list(snapshot.cycles)
        if snapshot.asked and all(each.cycle.id != cycle for each in states):
            states = [snapshot.asked]
        for each in self._in_turn(snapshot, states):
            if each[0].cycle.id == cycle:
                return each
        raise NotFound(f"there is no billing cycle {cycle}", cycle=cycle)

    def _in_turn(self, snapshot: Snapshot, states: Sequence[CycleState]) -> list[InTurn]:
        catalog = self._catalog.current()
        return list(rate_in_turn(snapshot.organization, states, snapshot.applied, catalog))

    def _view(self, snapshot: Snapshot, each: InTurn) -> InvoiceView:
        state, credits, rated = each
        return invoice_view(
            state,
            credits,
            rated,
            self._catalog.current(),
            self._stripe.load(state.cycle.id)[0],
            position=snapshot.position,
            as_of=snapshot.now,
            known_at=snapshot.now,
        )

    def _past_view(
        self, past: Past, each: InTurn, position: int, snapshot: Snapshot
    ) -> InvoiceView:
        state, credits, rated = each
        return invoice_view(
            state,
            credits,
            rated,
            self._catalog.current(),
            past.stripe(state.cycle.id),
            position=position if past.known_at else snapshot.position,
            as_of=past.as_of or past.known_at or snapshot.now,
            known_at=past.known_at or snapshot.now,
        )

    def _past(self, snapshot: Snapshot, as_of: datetime | None, known_at: datetime | None) -> Past:
        if known_at is not None and known_at > snapshot.now:
            raise InvalidInput(
                "known_at lies in the future; nobody knows yet what will be recorded by then",
                field="known_at",
            )
        return Past(
            books=self._books,
            log=self._log,
            catalog=self._catalog,
            records=self._records,
            as_of=as_of,
            known_at=known_at,
        )

    def _wait(self, position: int | None) -> None:
        if position is not None and not self._books.wait_for(position, WAIT_MAX_S):
            raise Unavailable(
                f"the log has not reached position {position} yet", code="not_reached_yet"
            )


def _line(invoice: Invoice, key: str) -> LineItem:
    for line in invoice.lines:
        if line.key == key:
            return line
    raise NotFound(f"there is no line {key} on {invoice.cycle}", line=key)
