"""``cyclebook erase-member``: forget a person, and change no amount."""

from datetime import UTC, datetime

import click

from api.cli.session import ACTOR, as_json, print_json, print_table, session
from api.erasures import erasure_json


@click.command()
@click.argument("organization")
@click.argument("user")
@click.option("--organization-name", is_flag=True, help="Its name too: it is that of a person.")
@as_json
def erase_member(organization: str, user: str, organization_name: bool, as_json: bool) -> None:
    """Erase what is kept of USER of ORGANIZATION outside the log: address, words, sessions."""
    with session() as wired:
        erased = wired.audit_trail.erasing.erase(
            organization, user, name_too=organization_name, actor=ACTOR, at=datetime.now(UTC)
        )
    shown = erasure_json(erased)
    if as_json:
        print_json(shown)
        return
    print_table(["table", "rows>"], list(shown["rows"].items()), f"{user} of {organization}:")
    for each in shown["in_log"]:
        click.echo(f"event {each['version']} of {each['stream']} quotes the address; it stays")
