"""``cyclebook sign-in``: a link to the pages, for a customer or a colleague."""

from datetime import UTC, datetime, timedelta

import click

from api.cli.session import ACTOR, as_json, print_json, session
from api.instants import format_instant
from application.signing_in import Visitor


@click.command(name="sign-in")
@click.argument("organization", required=False)
@click.option("--staff", metavar="NAME", help="A colleague's name, instead of ORGANIZATION.")
@click.option("--role", type=click.Choice(["support", "admin"]), default="support")
@click.option("--hours", type=click.IntRange(1, 168), default=1, help="How long it works.")
@as_json
def sign_in(
    organization: str | None, staff: str | None, role: str, hours: int, as_json: bool
) -> None:
    """Print a link that signs its first reader in to ORGANIZATION's billing page."""
    from api.links import Links

    if (organization is None) == (staff is None):
        raise click.UsageError("say an ORGANIZATION, or --staff NAME")
    expires_at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=hours)
    with session() as wired:
        if organization is not None:
            wired.registration.get(organization)
            visitor = Visitor(
                actor=f"customer:{organization}", role="organization", organization=organization
            )
        else:
            visitor = Visitor(actor=f"staff:{staff}", role=role)
        link = wired.sessions.make_link(visitor, expires_at, actor=ACTOR)
        url = Links(wired.settings).address(link, visitor, expires_at)
    if as_json:
        print_json({"url": url, "expires_at": format_instant(expires_at)})
    else:
        click.echo(url)
