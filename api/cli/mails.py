"""``cyclebook mails``: e-mails that are not sent, and why."""

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from api.cli.session import ACTOR, as_json, print_json, print_table, session
from api.schemas.mails import MailSchema

if TYPE_CHECKING:
    from api.wiring import Wired

SHOWN_MAX = 200


@click.command()
@click.option("--retry", "retried", metavar="NUMBER", help="Send one again, or 'all'.")
@click.option("--drop", "dropped", metavar="NUMBER", type=int, help="Leave one unsent.")
@click.option("--reason", help="Why; needed to leave one unsent.")
@as_json
def mails(retried: str | None, dropped: int | None, reason: str | None, as_json: bool) -> None:
    """Show e-mails to members that wait or were given up, each with the reason.

    Of links to sign in only how many are still to be sent. Status 1 where any was given up.
    """
    if retried and dropped is not None:
        raise click.UsageError("retry or drop, not both")
    if dropped is not None and not reason:
        raise click.UsageError("say why, with --reason")
    with session() as wired:
        done = _do(wired, retried, dropped, reason or "")
        outage = wired.monitoring.mail_outage()
        rows, links = _rows(wired), wired.mails.links_waiting()
    if as_json:
        told = {"outage": outage and outage.reason, "links_waiting": links, "data": rows}
        print_json({**done, **told})
    else:
        _tell(done, rows, links)
        if outage:
            click.echo(
                f"no e-mail goes out since {outage.since:%Y-%m-%d %H:%M} UTC: {outage.reason}"
            )
    sys.exit(1 if any(each["status"] == "given_up" for each in rows) else 0)


def _do(wired: "Wired", retried: str | None, dropped: int | None, reason: str) -> dict[str, int]:
    if retried:
        return {"retried": wired.mails.retry(None if retried == "all" else [_number(retried)])}
    if dropped is not None:
        return {"dropped": wired.mails.drop([dropped], reason, actor=ACTOR)}
    return {}


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise click.UsageError("--retry takes the number of an e-mail, or 'all'")
    return int(text)


def _rows(wired: "Wired") -> list[dict[str, Any]]:
    found = map(asdict, wired.mails.list(limit=SHOWN_MAX))
    rows: list[dict[str, Any]] = MailSchema(many=True).dump(found)
    return rows


def _tell(done: dict[str, int], rows: list[dict[str, Any]], links: int) -> None:
    if done:
        click.echo(", ".join(f"{count} {name}" for name, count in done.items()))
    if rows:
        heads = ["number>", "kind", "organization", "member", "again", "tried in vain>", "error"]
        print_table(heads, [_told(row) for row in rows])
    given_up = sum(row["status"] == "given_up" for row in rows)
    click.echo(f"{len(rows) - given_up} waiting, {given_up} given up; links to sign in: {links}")


def _told(row: dict[str, Any]) -> list[Any]:
    again = "given up" if row["status"] == "given_up" else row["due_at"] or "now"
    about = [row["number"], row["kind"], row["organization"], row["member"]]
    return [*about, again, row["attempts"], row["error"] or ""]
