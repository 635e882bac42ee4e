"""``cyclebook shadow``: our invoices beside those that another program issued through Stripe."""

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from api.cli.importing import BACK
from api.cli.session import INSTANT, as_json, print_json, print_table, session

if TYPE_CHECKING:
    from application.importing.customers import Imported
    from application.shadowing.comparing import Counts
    from projections.shadow import ComparedLine, Shadow

READ_BACK = timedelta(days=63)
"""How long before a window invoices of its cycles may have been made: fees come in advance."""


@click.command()
@click.option("--from", "start", type=INSTANT, help="Cycles that end after this.")
@click.option("--to", "end", type=INSTANT, help="Cycles that end by this; now at the latest.")
@as_json
def shadow(start: datetime | None, end: datetime | None, as_json: bool) -> None:
    """Compare what we would bill with what Stripe billed, line by line, to the cent.

    Reads Stripe's invoices first. Status 1 where anything differs, could not be read, or no
    cycle ended in the window, so that nothing was compared.
    """
    from application.shadowing.comparing import Window, counted

    now = datetime.now(UTC)
    window = Window.of_ended(start, end, now)
    with session() as wired:
        read = wired.shadowing.invoices.run(start - READ_BACK if start else now - BACK, now)
        found = list(wired.shadowing.comparing.every(window))
    counts = counted(found)
    if as_json:
        print_json(_json(found))
    else:
        _tell(found, read)
        click.echo(_summed_up(counts))
    sys.exit(0 if counts.clean and counts.expected else 1)


def _summed_up(counts: "Counts") -> str:
    if not counts.expected:
        return "no cycle ended in this window, and nobody billed one: nothing was compared"
    return (
        f"{counts.compared} of {counts.expected} compared: {counts.equal} equal, "
        f"{counts.different} different, {counts.missing} missing, {counts.extra} extra"
    )


def _json(found: "Sequence[Shadow]") -> dict[str, object]:
    from api.schemas.shadow import ShadowPageSchema
    from application.shadowing.comparing import counted

    page = {"data": found, "counts": counted(found), "next_cursor": None}
    dumped: dict[str, object] = ShadowPageSchema().dump(page)
    return dumped


def _tell(found: "Sequence[Shadow]", read: "Imported") -> None:
    """What differs; what is equal is counted."""
    from projections.shadow import Verdict

    rows = [row for each in found if each.verdict is not Verdict.EQUAL for row in _rows(each)]
    if rows:
        columns = ["cycle", "verdict", "what", "ours>", "theirs>", "difference>", "cause"]
        print_table(columns, rows)
    click.echo(f"{read.expected} invoices of others at Stripe, {read.made} new or changed")


def _rows(each: "Shadow") -> Iterator[list[object]]:
    from domain.money import shown

    name = each.cycle or each.organization or each.customer
    for line in each.lines:
        if line.difference or line.cause:
            yield [name, each.verdict, line.what, *_amounts(line, each.currency), line.cause]
    totals = (each.amount, each.billed, each.difference)
    money = [shown(amount, each.currency) for amount in totals]
    yield [name, each.verdict, f"total, {each.currency.upper()}", *money, ""]


def _amounts(line: "ComparedLine", currency: str) -> list[str]:
    from domain.money import shown

    found = (line.amount, line.billed, line.difference)
    return ["" if each is None else shown(each, currency) for each in found]
