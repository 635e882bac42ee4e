"""How an invoice is shown: its money, its state and where it stands at Stripe."""

from datetime import datetime

from application.insight_views import UnusualView
from application.live import InTurn, rate_cycle
from application.views import InvoiceView, StripeBadge
from domain.billing_cycle import OWES_NOTHING, BillingCycle, Status
from domain.catalog import Catalog
from domain.events.outcome import PaymentRecorded
from domain.invoice import Invoice
from domain.stripe_invoice import StripeInvoice
from projections.unusual import words

PAST_DUE = "past_due"


def invoice_view(
    turn: InTurn,
    catalog: Catalog,
    stripe: StripeInvoice,
    *,
    position: int,
    as_of: datetime,
    known_at: datetime,
) -> InvoiceView:
    """Everything known about an invoice, in one value."""
    state, rated = turn.state, turn.rated
    cycle, invoice = state.cycle, rated.invoice
    issued, due = cycle.issued, _amount_due(cycle, invoice, stripe)
    total = issued.total if issued else invoice.subtotal
    paid = _paid(cycle)
    return InvoiceView(
        invoice=invoice,
        status=_status(cycle, as_of),
        held=cycle.held.reason if cycle.held else None,
        accrued=_accrued(turn, catalog, as_of),
        total=total,
        tax=issued.tax if issued else None,
        balance_applied=total - due,
        amount_due=due,
        amount_paid=paid,
        amount_remaining=_remaining(cycle, due - paid),
        number=issued.number if issued else None,
        issued_at=issued.at if issued else None,
        due_at=issued.due_at if issued else None,
        digest=invoice.digest(),
        version=state.version,
        position=position,
        as_of=as_of,
        known_at=known_at,
        stripe=badge(invoice, stripe),
        unpriced=rated.unpriced,
        late=turn.late.lines if turn.late else (),
        proposals=turn.late.proposals if turn.late else (),
        hold=cycle.held,
        approval=cycle.approval,
        approved=cycle.approved,
        unusual=_unusual(cycle),
        outcomes=tuple(cycle.outcomes),
        billed_late=cycle.billed_late,
    )


def _unusual(cycle: BillingCycle) -> tuple[UnusualView, ...]:
    """Lines that were found far from what they were on other invoices."""
    lines = cycle.unusual.lines if cycle.unusual else ()
    return tuple(
        UnusualView(
            key=each.line,
            description=each.description,
            amount=each.amount,
            low=each.low,
            high=each.high,
            cycles=each.invoices,
            words=words(each, cycle.currency),
        )
        for each in lines
    )


def badge(invoice: Invoice, stripe: StripeInvoice) -> StripeBadge:
    """How an invoice stands at Stripe, by our own record; Stripe is not asked."""
    return StripeBadge(
        invoice=stripe.live(invoice.revision),
        state=_badge_state(invoice, stripe),
        proved_at=stripe.proved_at,
        problem=_problem(stripe),
    )


def _badge_state(invoice: Invoice, stripe: StripeInvoice) -> str:
    if stripe.problem is not None:
        return "failed"
    if stripe.discrepancies:
        return "drift"
    if stripe.proved_digest == invoice.digest():
        return "in_step"
    nothing_there = stripe.live(invoice.revision) is None
    costs_nothing = not any(line.amount for line in invoice.lines)
    return "none" if nothing_there and costs_nothing else "pending"


def _problem(stripe: StripeInvoice) -> str | None:
    if stripe.problem is not None:
        return stripe.problem.message
    found = next(iter(stripe.discrepancies.values()), None)
    return None if found is None else str(found)


def _status(cycle: BillingCycle, at: datetime) -> str:
    due = cycle.issued.due_at if cycle.issued else None
    late = cycle.status is Status.ISSUED and due is not None and due < at
    return PAST_DUE if late else cycle.status.value


def _amount_due(cycle: BillingCycle, invoice: Invoice, stripe: StripeInvoice) -> int:
    """What is asked of the customer, after the balance Stripe keeps for it."""
    if cycle.issued is None:
        return invoice.subtotal
    if stripe.finalized is None or cycle.issued.stripe_invoice is None:
        return cycle.issued.total
    return stripe.finalized.amount_due


def _paid(cycle: BillingCycle) -> int:
    """What came in: the whole, or the parts of it so far."""
    if cycle.paid is not None:
        return cycle.paid.amount
    return sum(each.amount for each in cycle.outcomes if isinstance(each, PaymentRecorded))


def _remaining(cycle: BillingCycle, unpaid: int) -> int:
    """What is still asked of the customer, less what credit notes took off."""
    if cycle.status in OWES_NOTHING:
        return 0
    return unpaid - sum(note.reduce_due for note in cycle.standing_notes)


def _accrued(turn: InTurn, catalog: Catalog, at: datetime) -> int:
    """Earned by an instant: without fees of a period to come."""
    cycle, invoice = turn.state.cycle, turn.rated.invoice
    over = cycle.settled or at >= cycle.period.end
    if over and all(line.kind != "coming" for line in invoice.lines):
        return invoice.subtotal
    until = cycle.period.end if over else at
    return rate_cycle(turn.state, catalog, turn.around, until=until).invoice.subtotal
