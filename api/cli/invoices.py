"""``cyclebook invoice``, ``history`` and ``explain``: what is owed, and why."""

from datetime import datetime

import click

from api.cli.session import INSTANT, as_json, print_json, print_table, session
from api.instants import format_instant
from api.schemas.invoices import CurrentInvoiceSchema
from api.schemas.stories import ExplanationSchema, HistoryEntrySchema
from application.views import InvoiceView
from domain.money import shown
from domain.quantity import plain

USAGE_SHOWN_MAX = 50


@click.command()
@click.argument("organization")
@click.option("--as-of", type=INSTANT, help="What had happened by then.")
@click.option("--known-at", type=INSTANT, help="What had been recorded by then.")
@as_json
def invoice(
    organization: str, as_of: datetime | None, known_at: datetime | None, as_json: bool
) -> None:
    """Show what ORGANIZATION owes, now or by an instant."""
    with session() as wired:
        current = wired.invoices.current(organization, as_of=as_of, known_at=known_at)
    if as_json:
        print_json(CurrentInvoiceSchema().dump(current))
        return
    for view in (*current.awaiting, current.invoice):
        _print_invoice(view)


def _print_invoice(view: InvoiceView) -> None:
    books = view.invoice
    period = f"{format_instant(books.period.start)} to {format_instant(books.period.end)}"
    click.echo(f"{books.cycle}  {view.status}  {period}")
    if view.held:
        click.echo(f"held: {view.held}")
    rows: list[list[object]] = [
        [line.key, line.description, plain(line.quantity, 6), line.unit, _amount(view, line.amount)]
        for line in books.lines
    ]
    rows.append(["", "total", "", books.currency.upper(), _amount(view, view.total)])
    rows.append(["", "accrued so far", "", "", _amount(view, view.accrued)])
    print_table(["line", "description", "quantity>", "unit", "amount>"], rows)
    for tally in view.unpriced:
        click.echo(f"unpriced: {tally.meter} {tally.attachment}")
    proved = f" as of {format_instant(view.stripe.proved_at)}" if view.stripe.proved_at else ""
    click.echo(f"Stripe: {view.stripe.state}{proved} {view.stripe.problem or ''}".rstrip() + "\n")


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
        [each.version, format_instant(each.occurred_at), each.actor, each.what] for each in entries
    ]
    print_table(["#>", "when", "who", "what"], rows)


@click.command()
@click.argument("cycle")
@click.argument("line")
@click.option("--after", help="Cursor of the next page of usage records.")
@as_json
def explain(cycle: str, line: str, after: str | None, as_json: bool) -> None:
    """Explain LINE of CYCLE, from usage records to cents."""
    with session() as wired:
        why = wired.invoices.explain(cycle, line, after=after, limit=USAGE_SHOWN_MAX)
    if as_json:
        print_json(ExplanationSchema().dump(why))
        return
    steps = [
        [
            step.what,
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
