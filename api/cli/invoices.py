"""``cyclebook invoice``, ``history`` and ``explain``: what is owed, and why."""

from collections.abc import Iterator
from datetime import datetime

import click

from api.cli.session import INSTANT, as_json, print_json, print_table, session
from api.instants import format_instant
from api.schemas.invoices import CurrentInvoiceSchema, InvoiceSchema
from api.schemas.outcomes import by_kind
from api.schemas.stories import ExplanationSchema, HistoryEntrySchema
from application.views import InvoiceView
from domain.billing_cycle import UNISSUED
from domain.identity import parse_cycle_name
from domain.money import shown
from domain.quantity import plain

USAGE_SHOWN_MAX = 50


@click.command()
@click.argument("owner", metavar="ORGANIZATION|CYCLE")
@click.option("--as-of", type=INSTANT, help="What had happened by then.")
@click.option("--known-at", type=INSTANT, help="What had been recorded by then.")
@as_json
def invoice(owner: str, as_of: datetime | None, known_at: datetime | None, as_json: bool) -> None:
    """Show what ORGANIZATION owes, or one CYCLE's invoice, now or by an instant."""
    with session() as wired:
        if parse_cycle_name(owner):
            one = wired.invoices.get(owner, as_of=as_of, known_at=known_at)
            views, document = [one], InvoiceSchema().dump(one) if as_json else None
        else:
            current = wired.invoices.current(owner, as_of=as_of, known_at=known_at)
            views = [*current.awaiting, current.invoice]
            document = CurrentInvoiceSchema().dump(current) if as_json else None
    if as_json:
        print_json(document)
        return
    for view in views:
        _print_invoice(view)


def _print_invoice(view: InvoiceView) -> None:
    books = view.invoice
    period = f"{format_instant(books.period.start)} to {format_instant(books.period.end)}"
    revision = f"  revision {books.revision}" if books.revision > 1 else ""
    click.echo(f"{books.cycle}  {view.status}{revision}  {period}")
    for told in (*_waits(view), *_became(view)):
        click.echo(told)
    rows: list[list[object]] = [
        [line.key, line.description, plain(line.quantity, 6), line.unit, _amount(view, line.amount)]
        for line in books.lines
    ]
    rows.append(["", "total", "", books.currency.upper(), _amount(view, view.total)])
    rows.append(["", "accrued so far", "", "", _amount(view, view.accrued)])
    print_table(["line", "description", "quantity>", "unit", "amount>"], rows)
    for tally in view.unpriced:
        click.echo(f"unpriced: {tally.meter} {tally.attachment}")
    for late in view.late:
        click.echo(f"late: {late.line}  {_amount(view, late.amount)}, on the next invoice")
    for late in view.proposals:
        amount = _amount(view, late.amount)
        click.echo(f"late: {late.line}  {amount}, waits for a person: accept it or write it off")
    proved = f" as of {format_instant(view.stripe.proved_at)}" if view.stripe.proved_at else ""
    click.echo(f"Stripe: {view.stripe.state}{proved} {view.stripe.problem or ''}".rstrip() + "\n")


def _waits(view: InvoiceView) -> Iterator[str]:
    """What a person has to do before it is issued."""
    if hold := view.hold:
        owner = f", {hold.owner} looks into it" if hold.owner else ""
        review = f", until {format_instant(hold.review_at)}" if hold.review_at else ""
        yield f"held: {hold.reason}{owner}{review}"
    if view.approval and not view.is_approved and view.status in UNISSUED:
        yield f"to be approved since {format_instant(view.approval.at)}"


def _became(view: InvoiceView) -> Iterator[str]:
    """What became of the issued invoice."""
    if view.number:
        due = f", due {format_instant(view.due_at)}" if view.due_at else ""
        left = _amount(view, view.amount_remaining)
        yield f"invoice {view.number}{due}, {left} still to be paid"
    outcomes = by_kind(view.outcomes)
    for failed in outcomes["failures"]:
        again = failed.next_attempt_at
        then = f", again at {format_instant(again)}" if again else ", not tried again"
        yield f"payment failed: {failed.reason}{then}"
    if outcomes["action_required"]:
        yield "the customer has to confirm the payment"
    for refund in outcomes["refunds"]:
        yield f"refunded: {_amount(view, refund.amount)} ({refund.reason})"
    for failure in outcomes["refund_failures"]:
        yield f"refund did not arrive: {_amount(view, failure.amount)} ({failure.reason})"
    for dispute in outcomes["disputes"]:
        how = dispute["outcome"] or "open"
        yield f"disputed: {_amount(view, dispute['amount'])} ({dispute['reason']}), {how}"
    for note in outcomes["credit_notes"]:
        void = ", taken back" if note["void_at"] else ""
        amount = _amount(view, note["amount"])
        yield f"credit note {note['note']}: {amount} ({note['reason']}){void}"


def _amount(view: InvoiceView, amount: int) -> str:
    return shown(amount, view.invoice.currency)


@click.command()
@click.argument("cycle")
@as_json
def history(cycle: str, as_json: bool) -> None:
    """Tell the story of CYCLE, one sentence for each event."""
    with session() as wired:
        entries = wired.invoices.history(cycle)
    if as_json:
        print_json({"data": HistoryEntrySchema(many=True).dump(entries)})
        return
    rows = [
        [number, format_instant(each.occurred_at), each.actor, each.what]
        for number, each in enumerate(entries, start=1)
    ]
    print_table(["#>", "when", "who", "what"], rows)


@click.command()
@click.argument("cycle")
@click.argument("line")
@click.option("--after", help="Cursor of the next page of usage records.")
@click.option("--as-of", type=INSTANT, help="What had happened by then.")
@click.option("--known-at", type=INSTANT, help="What had been recorded by then.")
@as_json
def explain(
    cycle: str,
    line: str,
    after: str | None,
    as_of: datetime | None,
    known_at: datetime | None,
    as_json: bool,
) -> None:
    """Explain LINE of CYCLE, now or by an instant, from usage records to cents."""
    with session() as wired:
        why = wired.invoices.explain(
            cycle, line, after=after, limit=USAGE_SHOWN_MAX, as_of=as_of, known_at=known_at
        )
    if as_json:
        print_json(ExplanationSchema().dump(why))
        return
    steps = [
        [
            step.what if step.line is None else f"({step.line}) {step.what}",
            "" if step.quantity is None else plain(step.quantity),
            step.unit,
            "" if step.unit_amount is None else plain(step.unit_amount),
            "" if step.amount is None else plain(step.amount),
        ]
        for step in why.steps
    ]
    title = f"{why.line.key}: {why.line.description}"
    print_table(["step", "quantity>", "unit", "at>", "minor units>"], steps, title)
    rows = [
        [format_instant(each.occurred_at), each.source, each.id, each.value] for each in why.usage
    ]
    if rows:
        title = f"\n{len(rows)} of {why.records} usage records"
        print_table(["when", "source", "id", "value>"], rows, title)
    if why.next_cursor:
        click.echo(f"more: --after {why.next_cursor}")
