"""``cyclebook archive``, ``detach-archive``, ``restore-archive``: a closed month in a file."""

from datetime import UTC, datetime
from pathlib import Path

import click

from api.archive_files import detach, restore, write
from api.cli.detached_months import month_json
from api.cli.session import ACTOR, as_json, print_json, session
from application.archiving import month_of


@click.command()
@click.option("--month", required=True, metavar="2025-01", help="In which its cycles begin.")
@click.option(
    "--to",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder; it is made.",
)
@as_json
def archive(month: str, folder: Path, as_json: bool) -> None:
    """Copy the events of a month whose invoices are issued, and read the copy back."""
    with session() as wired:
        manifest = write(wired, month_of(month), folder)
    if as_json:
        print_json(manifest)
    else:
        click.echo(
            f"{folder / manifest['file']}: {manifest['events']} events, read back and equal; "
            "the log keeps them as well"
        )


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
def detach_archive(file: Path, as_json: bool) -> None:
    """Take the month of FILE out of the log, if FILE holds every row of it as it is.

    Its space is given back. FILE is then all there is of these events: keep it twice.
    """
    with session() as wired:
        done = detach(wired, file, ACTOR, datetime.now(UTC))
    if as_json:
        print_json(month_json(done))
    else:
        click.echo(
            f"{done.month} is detached: {done.events} events of {done.cycles} cycles, each equal "
            f"to its copy in {file}; they come back with cyclebook restore-archive {file}"
        )


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def restore_archive(file: Path) -> None:
    """Put back the events of FILE: a month that was detached, or what the log has lost of it."""
    with session() as wired:
        done = restore(wired, file)
    click.echo(f"{done.restored} events restored, {done.known} were there")
