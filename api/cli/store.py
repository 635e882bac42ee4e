"""``cyclebook migrate``, ``rebuild`` and ``settings``: the store and how we are set up."""

import os

import click

from api.cli.session import as_json, print_json, print_table, session
from api.cli.start import begun
from api.setting_checks import InvalidSettings
from api.setting_names import warnings
from api.setting_rows import Row, rows
from api.settings import Settings


@click.command()
@as_json
def migrate(as_json: bool) -> None:
    """Apply what the database still lacks, in order."""
    from api.wiring import attached, migrated

    with attached(begun(), up_to_date=False) as conninfo:
        done = migrated(conninfo)
    if as_json:
        print_json({"applied": done})
    else:
        click.echo("\n".join(done) or "the database is up to date")


@click.command()
@click.argument("projection", default="all")
@as_json
def rebuild(projection: str, as_json: bool) -> None:
    """Make PROJECTION, or all of them, anew from the log. Readers notice nothing meanwhile.

    One that there is not is answered with a list of those that there are.
    """
    with session() as wired:
        events = wired.rebuilder.rebuild(projection)
    if as_json:
        print_json({"projection": projection, "events": events})
    else:
        click.echo(f"{projection}: made anew from {events} events")


@click.command()
@as_json
def settings(as_json: bool) -> None:
    """Show every setting in force, and where it comes from; secrets only as set or not.

    Status 2 with each problem where nothing would start with these.
    """
    from api.wiring import unusable

    settings, problems = Settings.as_given(os.environ)
    problems += unusable(settings, problems)
    found = rows(settings, problems, os.environ)
    if as_json:
        print_json([_row_json(each) for each in found])
    else:
        told = [(each.variable, each.value, each.source, each.meaning) for each in found]
        print_table(["variable", "value", "from", "meaning"], told)
    for warning in warnings(os.environ):
        click.echo(f"cyclebook: {warning}", err=True)
    if problems:
        raise InvalidSettings(problems)


def _row_json(row: Row) -> dict[str, str | None]:
    return {
        "variable": row.variable,
        "value": row.value,
        "from": row.source,
        "meaning": row.meaning,
        "problem": row.problem,
    }
