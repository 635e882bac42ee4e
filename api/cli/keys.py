"""``cyclebook keys``: who may use the API."""

import click

from api.cli.session import as_json, print_json, print_table, session
from api.instants import format_instant
from application.keys import ROLES, ApiKey, key_id


@click.group()
def keys() -> None:
    """Make, list, replace and revoke keys of the API."""


@keys.command()
@click.option("--role", type=click.Choice(ROLES), required=True, help="What the key may do.")
@click.option("--organization", help="The one organization it may see (role organization).")
@click.option("--name", default="", help="What it is for.")
@as_json
def create(role: str, organization: str | None, name: str, as_json: bool) -> None:
    """Make a key. It is shown this once: only its hash is kept."""
    with session() as wired:
        if organization is not None:
            wired.registration.get(organization)  # a misspelt one would lock its owner out
        secret = wired.keys.create(role, organization, name)
    _show(secret, as_json)


@keys.command(name="list")
@as_json
def list_(as_json: bool) -> None:
    """List all keys, without their secrets."""
    with session() as wired:
        rows = [_row(key) for key in wired.keys.list()]
    if as_json:
        print_json({"data": rows})
    else:
        print_table(
            ["key", "role", "organization", "name", "created", "last used", "revoked"],
            [list(row.values()) for row in rows],
        )


@keys.command()
@click.argument("key")
@as_json
def rotate(key: str, as_json: bool) -> None:
    """Make a key like KEY. The old one stays in force until you revoke it."""
    with session() as wired:
        secret = wired.keys.rotate(key)
    _show(secret, as_json)
    click.echo(f"{key} stays in force until you say: cyclebook keys revoke {key}", err=True)


@keys.command()
@click.argument("key")
def revoke(key: str) -> None:
    """End KEY; it is refused everywhere within 3 seconds."""
    with session() as wired:
        wired.keys.revoke(key)
    click.echo(f"{key} is revoked; it is refused everywhere within 3 seconds")


def _show(secret: str, as_json: bool) -> None:
    if as_json:
        print_json({"key": secret, "id": key_id(secret)})
    else:
        click.echo(secret)
        click.echo("Keep it now: it is not shown again.", err=True)


def _row(key: ApiKey) -> dict[str, str | None]:
    instants = (key.created_at, key.last_used_at, key.revoked_at)
    created, used, revoked = (format_instant(each) if each else None for each in instants)
    return {
        "id": key.id,
        "role": key.role,
        "organization": key.organization,
        "name": key.name,
        "created_at": created,
        "last_used_at": used,
        "revoked_at": revoked,
    }
