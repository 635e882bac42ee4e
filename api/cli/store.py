"""``cyclebook migrate``, ``rebuild`` and ``settings``: the store and how we are set up."""

import click

from api.cli.session import as_json, print_json, print_table, session
from api.logs import log_to_stderr
from api.settings import Settings


@click.command()
@as_json
def migrate(as_json: bool) -> None:
    """Apply what the database still lacks, in order."""
    from api.wiring import attached, migrated

    settings = Settings.from_environment()
    log_to_stderr(settings)
    with attached(settings, up_to_date=False) as conninfo:
        done = migrated(conninfo)
    if as_json:
        print_json({"applied": done})
    else:
        click.echo("\n".join(done) or "the database is up to date")


@click.command()
@click.argument("projection", default="all")
@as_json
def rebuild(projection: str, as_json: bool) -> None:
    """Make PROJECTION, or all of them, anew from the log. Readers notice nothing meanwhile."""
    with session() as wired:
        events = wired.rebuilder.rebuild(projection)
    if as_json:
        print_json({"projection": projection, "events": events})
    else:
        click.echo(f"{projection}: made anew from {events} events")


@click.command()
@as_json
def settings(as_json: bool) -> None:
    """Show every setting as it stands; secrets only as set or not."""
    described = Settings.from_environment().described()
    if as_json:
        names = ("variable", "value", "meaning")
        print_json([dict(zip(names, row, strict=True)) for row in described])
    else:
        print_table(["variable", "value", "meaning"], described)
