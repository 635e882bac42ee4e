"""``cyclebook diff``: why an invoice's amount changed between two instants."""

from datetime import datetime

import click

from api.cli.session import INSTANT, as_json, print_json, print_table, session
from api.schemas.rating import InvoiceDiffSchema
from domain.money import shown


@click.command()
@click.argument("cycle")
@click.option("--from", "start", type=INSTANT, required=True, help="As known then.")
@click.option("--to", "end", type=INSTANT, help="As known then; by default now.")
@as_json
def diff(cycle: str, start: datetime, end: datetime | None, as_json: bool) -> None:
    """Tell why the amount of CYCLE changed; the causes add up to the difference exactly."""
    with session() as wired:
        found = wired.diffing.diff(cycle, start, end)
    if as_json:
        print_json(InvoiceDiffSchema().dump(found))
        return
    currency = found.currency
    rows: list[list[object]] = [["it was", "", shown(found.was, currency)]]
    rows += [[cause.what, cause.count, shown(cause.amount, currency)] for cause in found.causes]
    rows.append([f"it becomes, in {currency.upper()}", "", shown(found.becomes, currency)])
    print_table(["cause", "count>", "amount>"], rows, found.cycle)
