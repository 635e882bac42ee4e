"""Who may use the API: keys made, listed, rotated and revoked, and the log of that."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from api.auth import ADMINS
from api.context import wired
from api.endpoint import principal
from api.openapi import ApiBook
from api.schemas.keys import (
    KeyEventPageSchema,
    KeyListQuery,
    KeyPageSchema,
    KeySchema,
    MadeKeySchema,
    NewKeySchema,
    RotatedKeySchema,
    RotationSchema,
)
from application.keys import ApiKey, key_id
from domain.errors import InvalidInput

book = ApiBook("keys")

ALL = "/v1/keys"
ONE = f"{ALL}/<key>"
NUMBER_MAX = 1 << 62

# None of these honours Idempotency-Key: the answer, with its secret, would be kept.


@book.op(
    "POST",
    ALL,
    roles=ADMINS,
    body=NewKeySchema(),
    out=MadeKeySchema(),
    status=201,
    example={"role": "ingest", "name": "meters in Frankfurt"},
)
def create_key(body: dict[str, Any]) -> dict[str, Any]:
    """Make a key. Its secret is answered this once: only its hash is kept."""
    if body["organization"] is not None:
        wired().registration.get(body["organization"])  # a misspelt one would lock its owner out
    secret = wired().keys.create(**body, actor=principal().actor)
    return _made(secret)


@book.op("GET", ALL, roles=ADMINS, query=KeyListQuery(), out=KeyPageSchema())
def list_keys(query: dict[str, Any]) -> dict[str, Any]:
    """Every key there is or was, without its secret, oldest first."""
    limit = query["limit"]
    found = wired().keys.list(query["cursor"] or "", limit + 1)
    page = found[:limit]
    return {"data": page, "next_cursor": page[-1].id if len(found) > limit else None}


@book.op(
    "POST",
    f"{ONE}/rotate",
    roles=ADMINS,
    body=RotationSchema(),
    out=RotatedKeySchema(),
    status=201,
    example={"grace_s": 86_400},
)
def rotate_key(key: str, body: dict[str, Any]) -> dict[str, Any]:
    """Make a key like this one, which stays in force for a day, or as long as is said.

    Was the answer lost? Rotate again, and revoke the key that nobody has.
    """
    grace = timedelta(seconds=body["grace_s"])
    secret, old = wired().keys.rotate(key, grace, actor=principal().actor)
    return _made(secret) | {"replaces": old}


@book.op("POST", f"{ONE}/revoke", roles=ADMINS, out=KeySchema())
def revoke_key(key: str) -> ApiKey:
    """End a key: it is refused everywhere within 3 seconds. Twice does nothing."""
    return wired().keys.revoke(key, actor=principal().actor)


@book.op("GET", f"{ALL}/events", roles=ADMINS, query=KeyListQuery(), out=KeyEventPageSchema())
def list_key_events(query: dict[str, Any]) -> dict[str, Any]:
    """Who made, rotated and revoked keys, oldest first."""
    limit = query["limit"]
    found = wired().keys.events(_number(query["cursor"]), limit + 1)
    page = found[:limit]
    return {"data": page, "next_cursor": str(page[-1].number) if len(found) > limit else None}


def _made(secret: str) -> dict[str, Any]:
    return asdict(wired().keys.get(key_id(secret))) | {"key": secret}


def _number(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and int(cursor) < NUMBER_MAX):
        raise InvalidInput("not a cursor of this list", field="cursor")
    return int(cursor)
