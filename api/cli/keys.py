"""``cyclebook keys``: who may use the API."""

from datetime import datetime, timedelta

import click

from api.cli.session import ACTOR, as_json, print_json, print_table, session
from api.instants import format_instant
from application.keys import GRACE, GRACE_MAX, ROLES, ApiKey, key_id

HOUR = timedelta(hours=1)


@click.group()
def keys() -> None:
    """Make, list, rotate and revoke keys of the API."""


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
        secret = wired.keys.create(role, organization, name, actor=ACTOR)
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
            ["key", "role", "organization", "name", "created", "last used", "expires", "revoked"],
            [list(row.values()) for row in rows],
        )


@keys.command()
@click.argument("key")
@click.option(
    "--grace",
    type=click.IntRange(0, GRACE_MAX // HOUR),
    default=GRACE // HOUR,
    show_default=True,
    help="For how many hours KEY stays in force.",
)
@as_json
def rotate(key: str, grace: int, as_json: bool) -> None:
    """Make a key like KEY, which stays in force for a while."""
    with session() as wired:
        secret, old = wired.keys.rotate(key, grace * HOUR, actor=ACTOR)
    _show(secret, as_json)
    click.echo(f"{key} stays in force until {_instant(old.expires_at)}", err=True)


@keys.command()
@click.argument("key")
def revoke(key: str) -> None:
    """End KEY; it is refused everywhere within 3 seconds."""
    with session() as wired:
        wired.keys.revoke(key, actor=ACTOR)
    click.echo(f"{key} is revoked; it is refused everywhere within 3 seconds")


@keys.command()
@as_json
def log(as_json: bool) -> None:
    """Show who made, rotated and revoked keys."""
    with session() as wired:
        events = wired.keys.events()
    rows = [
        [_instant(each.at), each.actor, each.event, each.key, each.successor] for each in events
    ]
    columns = ["at", "actor", "event", "key", "successor"]
    if as_json:
        print_json({"data": [dict(zip(columns, row, strict=True)) for row in rows]})
    else:
        print_table(columns, rows)


def _show(secret: str, as_json: bool) -> None:
    if as_json:
        print_json({"key": secret, "id": key_id(secret)})
    else:
        click.echo(secret)
        click.echo("Keep it now: it is not shown again.", err=True)


def _row(key: ApiKey) -> dict[str, str | None]:
    return {
        "id": key.id,
        "role": key.role,
        "organization": key.organization,
        "name": key.name,
        "created_at": _instant(key.created_at),
        "last_used_at": _instant(key.last_used_at),
        "expires_at": _instant(key.expires_at),
        "revoked_at": _instant(key.revoked_at),
    }


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else format_instant(instant)
