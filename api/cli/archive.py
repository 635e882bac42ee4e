"""``cyclebook archive`` and ``restore-archive``: a closed month of the log in a file."""

from pathlib import Path

import click

from api.archive_files import restore, write
from api.cli.session import as_json, print_json, session
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
def restore_archive(file: Path) -> None:
    """Put back the events of FILE that the log has lost. What it has stays as it is."""
    with session() as wired:
        done = restore(wired, file)
    click.echo(f"{done.restored} events restored, {done.known} were there")
