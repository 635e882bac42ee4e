"""``cyclebook webhooks`` and ``catch-up``: what Stripe told in vain, and what it did not tell."""

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from api.cli.session import INSTANT, as_json, print_json, print_table, session
from api.http.webhooks import failed_json
from api.instants import format_instant
from api.schemas.webhooks import FailedWebhookSchema

if TYPE_CHECKING:
    from api.wiring import Wired

SHOWN_MAX = 200


@click.command()
@click.option("--retry", "event", metavar="EVENT", help="Try one again now, or 'all'.")
@as_json
def webhooks(event: str | None, as_json: bool) -> None:
    """Show messages from Stripe that could not be handled, each with the reason.

    Status 1 where there are any.
    """
    with session() as wired:
        retried = wired.inbox.retry(None if event == "all" else event) if event else 0
        if event:
            _handle(wired)
        rows = _failed(wired)
    if as_json:
        print_json({"retried": retried, "data": rows})
    else:
        if event:
            click.echo(f"{retried} tried again")
        _tell(rows)
    sys.exit(1 if rows else 0)


@click.command("catch-up")
@click.option("--since", type=INSTANT, help="From here on; by default from the last time's end.")
@as_json
def catch_up(since: datetime | None, as_json: bool) -> None:
    """Read Stripe's own list of events for what no webhook told, and handle it.

    Beyond 30 days, which is how long Stripe lists events, every invoice is looked at.
    Status 1 where a message could not be handled.
    """
    from api.wiring import clock

    with session() as wired:
        told = wired.catching_up.run(clock(), since)
        handled = _handle(wired)
        rows = _failed(wired)
    counts = {
        "since": format_instant(told.since),
        "events": told.events,
        "new": told.new,
        "invoices": told.invoices,
        "differing": told.differing,
        "handled": handled,
    }
    if as_json:
        print_json({**counts, "failed": rows})
    else:
        click.echo(
            f"{told.events} events since {counts['since']}, {told.new} of them new; "
            f"{told.invoices} invoices looked at, {told.differing} had moved on; {handled} handled"
        )
        _tell(rows)
    sys.exit(1 if rows else 0)


def _handle(wired: "Wired") -> int:
    """Work the inbox off; how many messages were tried."""
    from api.wiring import clock

    handled = 0
    while count := wired.inbox.work(clock()):
        handled += count
    return handled


def _failed(wired: "Wired") -> list[dict[str, Any]]:
    found = map(failed_json, wired.inbox.unhandled("", SHOWN_MAX))
    rows: list[dict[str, Any]] = FailedWebhookSchema(many=True).dump(found)
    return rows


def _tell(rows: list[dict[str, Any]]) -> None:
    if rows:
        heads = ["event", "type", "about", "again", "tried in vain>", "error"]
        print_table(heads, [_told(row) for row in rows])
    click.echo(f"{len(rows)} failed{' or more' * (len(rows) == SHOWN_MAX)}")


def _told(row: dict[str, Any]) -> list[Any]:
    about = row["cycle"] or row["organization"] or row["object"]
    again = "parked" if row["parked"] else row["due_at"] or "now"
    return [row["event"], row["type"], about, again, row["attempts"], row["error"]]
