"""Changing the books: one way to carry a change out, and one to see what it would do."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from application.cycles import every_cycle
from application.live import InTurn, rate_in_turn
from application.ports import Books, CatalogReader, OpenBooks
from application.views import InvoiceDelta, LineDelta, Preview, Receipt
from domain.billing_cycle import BillingCycle
from domain.invoice import Invoice

Answer_co = TypeVar("Answer_co", covariant=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """cycle: the one that was changed, ``None`` where it belongs to none."""

    cycle: str | None
    recorded: bool


Change = Callable[[OpenBooks], Effect]
"""What is done while an organization's books are locked."""


class Runner(Protocol[Answer_co]):
    """Runs a change. cycle, since: what else is locked, as ``Books.change`` takes it."""

    def __call__(
        self,
        organization: str,
        change: Change,
        *,
        actor: str,
        cycle: str | None = None,
        since: datetime | None = None,
    ) -> Answer_co:
        """Run it, and answer."""
        ...


class Carrying:
    """Carries changes out."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def __call__(
        self,
        organization: str,
        change: Change,
        *,
        actor: str,
        cycle: str | None = None,
        since: datetime | None = None,
    ) -> Receipt:
        """What became of it."""
        with self._books.change(organization, actor=actor, cycle=cycle, since=since) as books:
            effect = change(books)
        return Receipt(
            cycle=effect.cycle,
            position=books.position(),
            effect="recorded" if effect.recorded else "nothing",
        )


class _Rehearsed(Exception):
    """Ends a rehearsal, so that nothing is stored."""


class Rehearsing:
    """Runs the same changes by the same code, shows what they do to invoices, stores nothing."""

    def __init__(self, books: Books, catalog: CatalogReader) -> None:
        self._books = books
        self._catalog = catalog

    def __call__(
        self,
        organization: str,
        change: Change,
        *,
        actor: str,
        cycle: str | None = None,
        since: datetime | None = None,
    ) -> Preview:
        """Every unsettled invoice that would change, line by line."""
        found: tuple[InvoiceDelta, ...] = ()
        try:
            with self._books.change(organization, actor=actor, cycle=cycle, since=since) as books:
                before = self._rated(books)
                change(books)
                found = tuple(deltas(before, self._rated(books)))
                raise _Rehearsed
        except _Rehearsed:
            return Preview(invoices=found)

    def _rated(self, books: OpenBooks) -> list[InTurn]:
        states = [books.state(cycle) for cycle in every_cycle(books)]
        catalog = self._catalog.current()
        return list(rate_in_turn(books.organization, states, books.used_credits(), catalog))


def append(books: OpenBooks, cycle: BillingCycle, events: Sequence[object]) -> Effect:
    """Add what was decided to a cycle."""
    if events:
        books.append(cycle, events)
    return Effect(cycle=cycle.id, recorded=bool(events))


def deltas(before: Iterable[InTurn], after: Iterable[InTurn]) -> Iterator[InvoiceDelta]:
    """The invoices that differ, oldest first."""
    was = {turn.state.cycle.id: turn.rated.invoice for turn in before}
    for turn in after:
        invoice = turn.rated.invoice
        known = was.get(invoice.cycle)
        lines = tuple(_lines(known, invoice))
        if lines or known is None:
            yield InvoiceDelta(
                cycle=invoice.cycle,
                status=turn.state.cycle.status.value,
                currency=invoice.currency,
                was=known.subtotal if known else 0,
                becomes=invoice.subtotal,
                lines=lines,
            )


def _lines(before: Invoice | None, after: Invoice) -> Iterator[LineDelta]:
    was = {line.key: line for line in before.lines} if before else {}
    now = {line.key: line for line in after.lines}
    for key in sorted(was.keys() | now.keys()):
        old, new = was.get(key), now.get(key)
        if (old.amount if old else None) != (new.amount if new else None):
            shown = new or old
            yield LineDelta(
                key=key,
                description=shown.description if shown else key,
                was=old.amount if old else 0,
                becomes=new.amount if new else 0,
            )
