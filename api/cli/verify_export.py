"""``cyclebook verify-export``: an exported invoice checked by its file alone."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from api.cli.session import as_json, print_json
from domain.errors import InvalidInput
from domain.money import shown

UNREADABLE = (ValueError, KeyError, TypeError, LookupError)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("file", type=FILE)
@click.option("--from-head", type=FILE, help="Heads of chains as you kept them.")
@as_json
def verify_export(file: Path, from_head: Path | None, as_json: bool) -> None:
    """Rate an exported invoice again, and check its digest and chains. Needs no database."""
    from api.wiring.offline import offline
    from application.published_heads import read_heads

    kept = read_heads(from_head.read_text("utf-8")) if from_head else {}
    lines = _lines(file)
    try:
        found = offline().check(next(lines, {}), lines, kept)
    except UNREADABLE as error:
        raise InvalidInput(f"{file} cannot be checked: {error}", field="file") from error
    if as_json:
        print_json(
            {
                "cycle": found.cycle,
                "lines": found.lines,
                "events": found.events,
                "withheld": found.withheld,
                "wrong": found.wrong,
            }
        )
    else:
        for each in found.wrong:
            click.echo(each)
        verdict = "does NOT hold" if found.wrong else "holds"
        click.echo(
            f"{found.cycle} over {shown(found.total, found.currency)} {found.currency.upper()} "
            f"{verdict}: {found.lines} lines, {found.events} events, {found.withheld} of them "
            "by their digest only"
        )
    sys.exit(1 if found.wrong else 0)


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8") as text:
        for line in text:
            yield json.loads(line)
