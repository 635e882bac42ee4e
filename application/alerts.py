"""Spend alerts: configured by people, looked at by the clock, told once in each cycle."""

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime

from application.changing import Effect, Runner
from application.daily_costs import earned
from application.insight_ports import AlertLook, AlertLooks, PastInvoices
from application.insight_views import AlertView, ForecastView
from application.live import InTurn, in_turn
from application.notices import Notice, Notices
from application.ports import Books, CatalogReader, OpenBooks
from application.schedule_ports import Tally, missing
from application.views import Receipt
from domain.alert import FORECAST, Armed, Wanted
from domain.billing_cycle import Status
from domain.errors import CyclebookError, StoreUnavailable
from domain.organization import Organization
from projections.sentences.organization import alert_words

log = logging.getLogger(__name__)

AT_ONCE = 50
KIND = "alert.reached"


class Alerts:
    """Configures and lists alerts. The same twice does nothing."""

    def __init__(
        self,
        run: Runner[Receipt],
        books: Books,
        invoices: PastInvoices,
        looks: AlertLooks,
    ) -> None:
        self._run = run
        self._books = books
        self._invoices = invoices
        self._looks = looks

    def configure(
        self, organization: str, alert: str, wanted: Wanted, *, actor: str, at: datetime
    ) -> Receipt:
        """Have an alert, in the organization's currency. A changed one may be reached again.

        Raises:
            NotFound: there is no such organization.
            InvalidInput: it compares nothing, or two things, or is out of bounds.
            RuleViolation: there are too many.
        """

        def change(books: OpenBooks) -> Effect:
            return _append(books, books.organization.configure_alert(alert, wanted, at))

        return self._run(organization, change, actor=actor)

    def remove(self, organization: str, alert: str, *, actor: str, at: datetime) -> Receipt:
        """Have an alert no more.

        Raises:
            NotFound: there is no such organization.
        """

        def change(books: OpenBooks) -> Effect:
            return _append(books, books.organization.remove_alert(alert, at))

        return self._run(organization, change, actor=actor)

    def list(self, organization: str) -> tuple[AlertView, ...]:
        """Every alert, and whether the cycle that accrues reached it, by id.

        Raises:
            NotFound: there is no such organization.
        """
        snapshot = self._books.snapshot(organization)
        who, now = snapshot.organization, snapshot.now
        if not who.alerts:
            return ()
        begun = [each.cycle for each in snapshot.cycles if each.cycle.period.start <= now]
        reached = self._looks.reached(begun[-1].id) if begun else {}
        before = begun[-1].period.start if begun else now
        last = last_invoices(self._invoices, organization, before)
        return tuple(
            AlertView(
                alert=name,
                of=armed.configured.of,
                amount=armed.configured.amount,
                percent=armed.configured.percent,
                budget=armed.configured.budget,
                currency=armed.configured.currency,
                threshold=armed.threshold(last.get(armed.configured.currency)),
                description=alert_words(armed.configured),
                reached_at=reached.get((name, armed.times)),
            )
            for name, armed in sorted(who.alerts.items())
        )


class AlertWatch:
    """Looks at the alerts of cycles, and tells of those that were reached.

    A crash in between tells nothing twice: each is one occurrence.
    """

    def __init__(
        self,
        books: Books,
        catalog: CatalogReader,
        forecast: Callable[[str], ForecastView],
        invoices: PastInvoices,
        looks: AlertLooks,
        notices: Notices,
    ) -> None:
        self._books = books
        self._catalog = catalog
        self._forecast = forecast
        self._invoices = invoices
        self._looks = looks
        self._notices = notices

    def run(self, now: datetime) -> bool:
        """Look at some cycles that changed; whether there may be more to do at once."""
        due = self._looks.due(now, AT_ONCE)
        looked = [self._tried(look, now) for look in due]
        return len(due) == AT_ONCE and any(looked)

    def look_anyway(self, now: datetime) -> Tally:
        """Look at every cycle that nobody has looked at for a while.

        Fees go on and forecasts move where nothing changed; and what the loop that calls ``run``
        has left behind is among them.
        """
        seen: dict[str, bool] = {}
        while new := self._not_in(seen, now):
            seen |= {look.cycle: self._tried(look, now) for look in new}
        failed = [cycle for cycle, looked in seen.items() if not looked]
        return Tally(
            expected=len(seen),
            done=len(seen) - len(failed),
            problem=missing("could not be looked at", failed),
        )

    def _not_in(self, seen: Collection[str], now: datetime) -> list[AlertLook]:
        found = self._looks.unseen(now, AT_ONCE + len(seen))
        return [look for look in found if look.cycle not in seen]

    def _tried(self, look: AlertLook, now: datetime) -> bool:
        """Whether one cycle could be looked at."""
        try:
            self._look(look, now)
        except StoreUnavailable:
            raise
        except Exception as error:  # one organization's trouble is not the others'
            trace = None if isinstance(error, CyclebookError) else error
            log.error("the alerts of %s were not looked at: %s", look.cycle, error, exc_info=trace)
            # Not seen as it is, so that it stays due; but after those that can be looked at.
            self._looks.looked(look._replace(version=0), [], now)
            return False
        return True

    def _look(self, look: AlertLook, now: datetime) -> None:
        snapshot = self._books.snapshot(look.organization, look.cycle)
        turns = in_turn(snapshot, self._catalog.current(), look.cycle)
        turn = next(each for each in turns if each.state.cycle.id == look.cycle)
        found = list(self._reached(snapshot.organization, turn, now))
        self._notices.announce([notice for notice, _ in found])
        self._looks.looked(look, [key for _, key in found], now)

    def _reached(
        self, organization: Organization, turn: InTurn, now: datetime
    ) -> Iterator[tuple[Notice, tuple[str, int]]]:
        cycle = turn.state.cycle
        known = self._looks.reached(cycle.id)
        armed = {
            name: each
            for name, each in organization.alerts.items()
            if (name, each.times) not in known and each.configured.currency == cycle.currency
        }
        if not armed:
            return
        last = last_invoices(self._invoices, organization.id, cycle.period.start)
        spent = earned(turn, self._catalog.current(), now).invoice.subtotal
        expected: int | None = None
        for name, each in sorted(armed.items()):
            amount = spent
            if each.configured.of == FORECAST:
                if expected is None:
                    expected = self._expected(turn)
                amount = expected
            threshold = each.threshold(last.get(cycle.currency))
            if threshold is not None and amount >= threshold:
                yield _notice(turn, each, amount, threshold, now), (name, each.times)

    def _expected(self, turn: InTurn) -> int:
        """What the bill will come to: of a cycle that is over, what it is."""
        cycle = turn.state.cycle
        if cycle.status is Status.ACCRUING:
            found = self._forecast(cycle.organization)
            if found.cycle == cycle.id:
                return found.expected
        return turn.rated.invoice.subtotal


def last_invoices(invoices: PastInvoices, organization: str, before: datetime) -> dict[str, int]:
    """What the last settled invoice before an instant came to, by its currency."""
    found = invoices.settled(organization, before, 1)
    return {each.currency: each.subtotal for each in found}


def _notice(turn: InTurn, armed: Armed, amount: int, threshold: int, now: datetime) -> Notice:
    said, cycle = armed.configured, turn.state.cycle
    return Notice(
        kind=KIND,
        organization=cycle.organization,
        occurrence=f"{KIND}/{said.alert}/{cycle.id}/{armed.times}",
        at=now,
        cycle=cycle.id,
        data={
            "alert": said.alert,
            "of": said.of,
            "amount": amount,
            "threshold": threshold,
            "currency": cycle.currency,
            "words": f"{said.alert}: {alert_words(said)}",
        },
    )


def _append(books: OpenBooks, events: Sequence[object]) -> Effect:
    if events:
        books.append_organization(events)
    return Effect(cycle=None, recorded=bool(events))
