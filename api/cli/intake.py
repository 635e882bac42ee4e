"""``cyclebook intake``: what came in messages and could not be recorded."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from api.cli.session import ACTOR, as_json, print_json, print_table, session
from api.http.dead_letters import letter_json, replayed_json
from api.schemas.dead_letters import DeadLetterSchema

if TYPE_CHECKING:
    from api.wiring import Wired

SHOWN_MAX = 200
SHOWN_CHARACTERS = 60


@click.group()
def intake() -> None:
    """Usage that comes in by RabbitMQ."""


@intake.command()
@click.option("--list", "listed", is_flag=True, help="Show them; done where nothing else is asked.")
@click.option("--replay", "replayed", metavar="ID", help="Record one again, or 'all'.")
@click.option("--drop", "dropped", metavar="ID", help="Give one up, or 'all'.")
@click.option("--reason", help="Why; needed for both.")
@as_json
def dead(
    listed: bool, replayed: str | None, dropped: str | None, reason: str | None, as_json: bool
) -> None:
    """Show messages, or records of them, that could not be recorded, each with the reason.

    Status 1 where any is left.
    """
    if replayed is not None and dropped is not None:
        raise click.UsageError("replay or drop, not both")
    if (replayed is not None or dropped is not None) and not reason:
        raise click.UsageError("say why, with --reason")
    with session() as wired:
        done = _do(wired, replayed, dropped, reason or "")
        page = wired.dead_letters.list(limit=SHOWN_MAX)
        left = wired.dead_letters.count()
    rows: list[dict[str, Any]] = DeadLetterSchema(many=True).dump(map(letter_json, page.data))
    if as_json:
        print_json({**done, "left": left, "data": rows})
    else:
        _tell(done, rows, left)
    sys.exit(1 if left else 0)


def _do(wired: "Wired", replayed: str | None, dropped: str | None, reason: str) -> dict[str, int]:
    letters = wired.dead_letters
    if replayed is not None:
        ids = _ids(replayed)
        return replayed_json(letters.replay(ids, reason, actor=ACTOR, now=datetime.now(UTC)))
    if dropped is not None:
        return {"dropped": letters.drop(_ids(dropped), reason, actor=ACTOR)}
    return {}


def _ids(text: str) -> list[int] | None:
    if text == "all":
        return None
    if not (text.isascii() and text.isdigit()):
        raise click.UsageError("--replay and --drop take a letter's number, or 'all'")
    return [int(text)]


def _tell(done: dict[str, int], rows: list[dict[str, Any]], left: int) -> None:
    if done:
        click.echo(", ".join(f"{count} {name.replace('_', ' ')}" for name, count in done.items()))
    if rows:
        print_table(["id>", "came>", "code", "why", "begins with"], [_row(each) for each in rows])
    click.echo(f"{left} dead letters")


def _row(each: dict[str, Any]) -> list[Any]:
    beginning = _plain(each["beginning"][:SHOWN_CHARACTERS])
    return [each["id"], each["times"], each["code"], _plain(each["detail"]), beginning]


def _plain(sent: str) -> str:
    """What a stranger sent, without anything that a terminal would obey."""
    return "".join(each if each.isprintable() else " " for each in sent)
