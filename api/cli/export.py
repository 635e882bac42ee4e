"""``cyclebook export``: what accounting programs read."""

import sys
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path

import click

from api.cli.session import INSTANT, session
from api.journal.formats import Format

FORMATS = [each.value for each in Format]


@click.group()
def export() -> None:
    """Write out what accounting programs read."""


@export.command()
@click.option("--from", "start", type=INSTANT, help="What happened from then on.")
@click.option("--to", "end", type=INSTANT, help="What happened before then.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default=Format.CSV.value)
@click.option("--organization", metavar="ORG", help="Of one organization only.")
@click.option("--accounts", type=click.Path(path_type=Path), help="Names of accounts, in TOML.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file.")
def journal(
    start: datetime | None,
    end: datetime | None,
    format_: str,
    organization: str | None,
    accounts: Path | None,
    out: Path | None,
) -> None:
    """A double-entry journal of invoices, credits, payments and what was given back."""
    from api.journal.formats import journal_text
    from api.journal.names import read_names
    from application.exporting import Window

    window = Window(start=start, end=end)
    with session() as wired:
        names = read_names(accounts or wired.settings.journal_accounts)
        found = wired.exporting.journal(window, organization)
        target = out.open("w", encoding="utf-8", newline="") if out else nullcontext(sys.stdout)
        with target as file:
            file.writelines(journal_text(found, Format(format_), names))
