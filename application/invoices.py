"""Invoices: what a customer owes, live or as it was, and why."""

from datetime import datetime

from application.desired import organization_of
from application.gateway import StripeStream
from application.invoice_view import invoice_view
from application.live import InTurn, in_turn
from application.past import Past
from application.ports import Books, CatalogReader, CycleState, EventLog, Snapshot
from application.replays import CycleRecords
from application.so_far import SoFar, so_far
from application.stories import CaseNames, Stories, prices_of
from application.views import CurrentView, Explanation, HistoryEntry, InvoiceView
from domain.catalog import Catalog
from domain.errors import InvalidInput, NotFound, Unavailable
from domain.events.base import Recorded
from domain.invoice import LineItem
from domain.rating import Rated
from domain.tally import Tallies
from projections.explanation import Behind
from projections.history import story
from projections.meter_words import MeterWords, meter_words, words_at
from projections.steps import steps

WAIT_MAX_S = 5
"""How long a reader waits for a position that has not been reached."""

PAGE_MAX = 1_000


class Invoices:
    """Answers about invoices; changes nothing. Live and past answers are rated by one function.

    as_of: what had happened by then. known_at: what had been recorded by then. at_least: wait
    until the log has reached this position. cases: those that a cycle's story tells of.
    """

    def __init__(
        self,
        books: Books,
        log: EventLog,
        catalog: CatalogReader,
        records: CycleRecords,
        stripe: StripeStream,
        cases: CaseNames = lambda cycle: (),
    ) -> None:
        self._books = books
        self._log = log
        self._catalog = catalog
        self._records = records
        self._stripe = stripe
        self._stories = Stories(books, log, cases)

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

    def meters(self, organization: str, cycle: str | None = None) -> MeterWords:
        """What the lines of an organization's invoices call meters. cycle: one more of those.

        Raises:
            NotFound: no such organization, or cycle.
        """
        known = self._books.snapshot(organization, cycle)
        states = [*known.cycles, *([known.asked] if known.asked else [])]
        return meter_words((each.cycle for each in states), self._catalog.current())

    def history(
        self, cycle: str, after: int = 0, limit: int | None = None
    ) -> tuple[HistoryEntry, ...]:
        """The cycle's story, here and at Stripe: one sentence for each event after a position.

        Credits that it could use, and problems reported with it, stand in it as well.

        Raises:
            NotFound: no such cycle.
        """
        events = self.events(cycle)
        told = story(events, words_at(prices_of(events), self._catalog.current()))
        entries = [entry for entry in told if entry.position > after]
        return tuple(entries if limit is None else entries[:limit])

    def events(self, cycle: str) -> list[Recorded]:
        """What that story is told from, in the log's order.

        Raises:
            NotFound: no such cycle.
        """
        return self._stories.events(cycle)

    def explain(
        self,
        cycle: str,
        line_key: str,
        after: str | None = None,
        limit: int = 100,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
    ) -> Explanation:
        """Why a line comes to what it does, or came to then, down to its usage records.

        Raises:
            NotFound: no such cycle, or no such line on its invoice then.
            InvalidInput: ``after`` is no cursor of ours, or ``known_at`` lies in the future.
        """
        snapshot = self._books.snapshot(organization_of(cycle), cycle)
        past = self._past(snapshot, as_of, known_at) if as_of or known_at else None
        turn = self._then(past, cycle) if past else self._live(snapshot, cycle)
        line = _line(turn.rated, line_key)
        catalog = self._catalog.current()
        behind, tallies, where = self._behind(line, turn.state, catalog, past)
        records = behind.count(tallies)
        history = self._books.history(where, known_at) if records else ()
        try:
            usage, cursor = behind.page(history, after, min(limit, PAGE_MAX))
        except ValueError:
            raise InvalidInput("not a cursor of this list", field="cursor") from None
        return Explanation(
            cycle=cycle,
            line=line,
            steps=steps(
                line,
                turn.rated.invoice,
                turn.rated.basis.values(),
                catalog.book[line.price] if line.price else None,
            ),
            records=records,
            usage=usage,
            next_cursor=cursor,
        )

    def so_far(self, cycle: str) -> tuple[SoFar, ...]:
        """What each line that can be waived or set has come to by now.

        Raises:
            NotFound: no such cycle.
        """
        snapshot = self._books.snapshot(organization_of(cycle), cycle)
        return so_far(self._live(snapshot, cycle), self._catalog.current(), snapshot.now)

    def _behind(
        self, line: LineItem, state: CycleState, catalog: Catalog, past: Past | None
    ) -> tuple[Behind, Tallies, str]:
        """Where a line's usage is found: a late one's in the cycle it is about, as known then."""
        until = past.as_of if past else None
        if line.kind != "late" or line.corrects is None:
            behind = Behind(line, state.cycle, catalog, until=until)
            return behind, state.tallies, state.cycle.id
        other, _, key = line.corrects.partition("/")
        if past:
            known: CycleState | None = self._then(past, other).state
        else:
            known = self._books.snapshot(organization_of(other), other).asked
        if known is None:
            raise NotFound(f"there is no billing cycle {other}", cycle=other)
        tallies = known.tallies if known.late is None else known.late
        return Behind(line, known.cycle.as_known(), catalog, key, until), tallies, other

    def _current(self, snapshot: Snapshot) -> CurrentView:
        open_cycles = {each.cycle.id for each in snapshot.cycles}
        turns = in_turn(snapshot, self._catalog.current())
        rated = [each for each in turns if each.state.cycle.id in open_cycles]
        begun = [each for each in rated if each.state.cycle.period.start <= snapshot.now]
        if not rated:
            raise NotFound(
                f"{snapshot.organization.id} is closed, and its last invoice issued",
                organization=snapshot.organization.id,
            )
        accruing = (begun or rated)[-1]
        return CurrentView(
            invoice=self._view(snapshot, accruing),
            awaiting=tuple(self._view(snapshot, each) for each in rated if each is not accruing),
        )

    def _live(self, snapshot: Snapshot, cycle: str) -> InTurn:
        """A cycle rated after those that take from the credits before it."""
        for each in in_turn(snapshot, self._catalog.current(), cycle):
            if each.state.cycle.id == cycle:
                return each
        raise NotFound(f"there is no billing cycle {cycle}", cycle=cycle)

    def _view(self, snapshot: Snapshot, turn: InTurn) -> InvoiceView:
        return invoice_view(
            turn,
            self._catalog.current(),
            self._stripe.load(turn.state.cycle.id)[0],
            position=snapshot.position,
            as_of=snapshot.now,
            known_at=snapshot.now,
        )

    def _past_view(
        self, past: Past, turn: InTurn, position: int, snapshot: Snapshot
    ) -> InvoiceView:
        return invoice_view(
            turn,
            self._catalog.current(),
            past.stripe(turn.state.cycle.id),
            position=position if past.known_at else snapshot.position,
            as_of=past.as_of or past.known_at or snapshot.now,
            known_at=past.known_at or snapshot.now,
        )

    def _then(self, past: Past, cycle: str) -> InTurn:
        return past.cycle(organization_of(cycle), cycle)[0]

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


def _line(rated: Rated, key: str) -> LineItem:
    """A line of the invoice, or one that is part of a roll-up or has reduced others on it."""
    for line in (*rated.invoice.lines, *rated.lines):
        if line.key == key:
            return line
    if key in rated.basis:
        return rated.basis[key]
    raise NotFound(f"there is no line {key} on {rated.invoice.cycle}", line=key)
