"""``cyclebook export-organization``: everything about an organization, in files."""

from pathlib import Path

import click

from api.cli.session import as_json, print_json, print_table, session
from api.organization_export import write_files


@click.command()
@click.argument("organization")
@click.option(
    "--to",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder; it is made.",
)
@as_json
def export_organization(organization: str, folder: Path, as_json: bool) -> None:
    """Write everything about ORGANIZATION: a file for each kind of row, and a manifest."""
    with session() as wired:
        about = write_files(wired, organization, folder)
    if as_json:
        print_json(about)
        return
    rows = [
        [each["file"], each["rows"], "personal" if each["personal"] else "", each["sha256"]]
        for each in about["files"]
    ]
    print_table(["file", "rows>", "", "sha256"], rows)
