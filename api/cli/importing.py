"""``cyclebook import-stripe``: bring over customers and invoices of another biller."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.cli.session import ACTOR, as_json, print_json, print_table, session

if TYPE_CHECKING:
    from application.importing.customers import Imported

BACK = timedelta(days=366)
"""How old invoices are brought over where nobody says it."""

LEFT_OUT = {"ours": "made by Cyclebook", "not_finalized": "not finalized"}
"""Why an invoice is left out, in words."""

DAY = click.DateTime(["%Y-%m-%d"])


@click.command("import-stripe")
@click.option("--customers", is_flag=True, help="Customers alone; by default invoices, too.")
@click.option("--invoices", is_flag=True, help="Invoices alone; by default customers, too.")
@click.option("--since", type=DAY, help="Invoices made since this day; by default a year ago.")
@click.option("--start", type=DAY, help="First cycles begin on this day; by default the present's.")
@click.option("--currency", help="Where nothing at Stripe says a customer's, such as usd.")
@click.option(
    "--map",
    "wishes",
    type=click.Path(path_type=Path),
    help="CSV file: customer, organization, currency, time_zone, anchor_day.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@as_json
def import_stripe(  # noqa: PLR0913
    customers: bool,
    invoices: bool,
    since: datetime | None,
    start: datetime | None,
    currency: str | None,
    wishes: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Make Stripe's customers organizations, and keep their past invoices to be read.

    Left out are invoices that Cyclebook made, and those that are not finalized: they say nothing
    of what another biller billed. How many there were is said, by reason.

    It may be said again at any time: what is done already is found. Status 1 where anything
    could not be brought over; all else was.
    """
    from api.import_files import read_wishes
    from application.importing.customers import Defaults

    meant, now = read_wishes(wishes), datetime.now(UTC)
    both = customers == invoices
    defaults = Defaults(currency=currency and currency.lower(), starts_at=_in_utc(start))
    done: dict[str, Imported] = {}
    with session() as wired:
        if customers or both:
            run = wired.shadowing.customers.run
            done["customers"] = run(meant, defaults, actor=ACTOR, at=now, dry_run=dry_run)
        if invoices or both:
            begin = _in_utc(since) or now - BACK
            done["invoices"] = wired.shadowing.invoices.run(begin, now, dry_run=dry_run)
    if as_json:
        print_json({name: _json(each) for name, each in done.items()} | {"dry_run": dry_run})
    else:
        _tell(done, dry=dry_run)
    sys.exit(1 if any(each.bad for each in done.values()) else 0)


def _in_utc(day: datetime | None) -> datetime | None:
    return None if day is None else day.replace(tzinfo=UTC)


def _json(done: "Imported") -> dict[str, object]:
    bad = [{"id": each.id, "code": each.code, "detail": each.detail} for each in done.bad]
    names = ("expected", "done", "made")
    counts = {name: getattr(done, name) for name in names}
    return {**counts, "skipped": done.left_out.total(), "left_out": done.left_out, "bad": bad}


def _tell(done: "dict[str, Imported]", *, dry: bool) -> None:
    for what, each in done.items():
        if each.bad:
            rows: Sequence[Sequence[object]] = [[bad.id, bad.code, bad.detail] for bad in each.bad]
            print_table(["id", "code", "why it was not brought over"], rows, f"{what}:")
        new = "would be new" if dry else "new"
        click.echo(
            f"{each.done} of {each.expected} {what} brought over, {each.made} {new}, "
            f"{_left_out(each)}, {len(each.bad)} bad"
        )


def _left_out(done: "Imported") -> str:
    counts = sorted(done.left_out.items(), key=lambda each: LEFT_OUT[each[0]])
    why = ", ".join(f"{count} {LEFT_OUT[name]}" for name, count in counts)
    return f"{done.left_out.total()} left out" + (f" ({why})" if why else "")
