"""The books' side of a reconciliation: each cycle folded anew from the log."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from application.desired import collection_of, organization_of
from application.driving import awaits_draft
from application.gateway import Desired, StripeCustomer
from application.live import InTurn
from application.observing import expectation, held_by_proof, proved
from application.past import Past
from application.ports import Books, CatalogReader, EventLog
from application.registration import fold
from application.replays import CycleRecords
from domain.errors import NotFound
from domain.events.base import Recorded
from domain.events.cycle import CycleOpened
from domain.identity import organization_stream, stripe_stream
from domain.stripe_invoice import replay
from projections.invoice_summary import InvoiceSummary, summary_of, updated
from projections.reconciliation import Booked, by_the_books


class BookedCycles:
    """Folds cycles from events alone: no tallies, no projections, no cache.

    now: the clock, aware UTC.
    """

    def __init__(
        self,
        books: Books,
        log: EventLog,
        catalog: CatalogReader,
        records: CycleRecords,
        now: Callable[[], datetime],
    ) -> None:
        self._books = books
        self._log = log
        self._catalog = catalog
        self._records = records
        self._now = now

    def of(self, cycle: str) -> Booked:
        """A cycle with everything recorded of it by now.

        Raises:
            NotFound: there is no such cycle.
        """
        organization = organization_of(cycle)
        turn, position = self._turn(organization, cycle)
        history = self._log.read(organization_stream(organization))
        payer = fold(organization, history)
        at_stripe = self._log.read(stripe_stream(cycle))
        record = replay(each.event for each in at_stripe)
        events = self._events(cycle, at_stripe)
        invoice = turn.rated.invoice
        customer = StripeCustomer(organization=organization, stripe_id=payer.stripe_customer)
        collection = collection_of(payer, turn.state.cycle)
        desired = Desired(invoice=invoice, customer=customer, collection=collection)
        return Booked(
            cycle=turn.state.cycle,
            invoice=invoice,
            record=record,
            owed=expectation(desired, issued=record.issued),
            proved=proved(record, desired),
            untried=record.plan == 0 or held_by_proof(record, invoice.revision),
            summary=by_the_books(turn.state.cycle, _folded(cycle, events)),
            position=events[-1].position,
            moved=max(position, history[-1].position),
            awaits=awaits_draft(payer, turn.state.cycle, self._now()),
            known_since=_known_since(at_stripe, record.live(invoice.revision)),
        )

    def row_at(self, cycle: str, position: int) -> InvoiceSummary:
        """The row of the lists, as the log up to a position has it.

        Raises:
            NotFound: there was no such cycle then.
        """
        events = self._events(cycle, self._log.read(stripe_stream(cycle)))
        return _folded(cycle, [each for each in events if each.position <= position])

    def _turn(self, organization: str, cycle: str) -> tuple[InTurn, int]:
        past = Past(
            books=self._books,
            log=self._log,
            catalog=self._catalog,
            records=self._records,
            as_of=None,
            known_at=None,
        )
        return past.cycle(organization, cycle)

    def _events(self, cycle: str, at_stripe: Sequence[Recorded]) -> list[Recorded]:
        """Everything but usage that happened in a cycle and at Stripe, in the log's order."""
        with self._records.opened(cycle) as opened:
            return sorted([*opened.control, *at_stripe], key=lambda each: each.position)


def _folded(cycle: str, events: Iterable[Recorded]) -> InvoiceSummary:
    row: InvoiceSummary | None = None
    for each in events:
        if isinstance(each.event, CycleOpened):
            row = summary_of(each.event, each.position)
        elif row is not None:
            row = updated(row, each.event, each.position)
    if row is None:
        raise NotFound(f"there is no billing cycle {cycle}", cycle=cycle)
    return row


def _known_since(at_stripe: Iterable[Recorded], invoice: str | None) -> datetime | None:
    """When the stream first names an invoice."""
    names = ("reference", "invoice")
    return next(
        (
            each.occurred_at
            for each in at_stripe
            if invoice is not None
            and any(getattr(each.event, name, None) == invoice for name in names)
        ),
        None,
    )
