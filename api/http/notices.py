"""What happened that somebody should know, who has read it, and who is told by e-mail."""

from collections.abc import Mapping, Sequence
from typing import Any

from api.auth import READERS, STAFF
from api.context import wired
from api.endpoint import principal
from api.openapi import ApiBook
from api.schemas.notices import (
    NUMBER_MAX,
    AllNoticeListQuery,
    MailChoicesSchema,
    NoticePageSchema,
    OwnNoticeListQuery,
    OwnNoticePageSchema,
    ReadNoticesSchema,
    UnreadSchema,
)
from application.notices import Told
from domain.errors import InvalidInput

book = ApiBook("notices")

OWN = "/v1/organizations/<organization>/notices"
CHOICES = "/v1/organizations/<organization>/members/<path:user>/notifications"


@book.op("GET", OWN, roles=READERS, query=OwnNoticeListQuery(), out=OwnNoticePageSchema())
def list_notices(organization: str, query: dict[str, Any]) -> dict[str, Any]:
    """What an organization should know, newest first. Read marks are yours: of your key."""
    wired().registration.get(organization)
    reader, limit = principal().actor, query["limit"]
    found = wired().notices.list(
        organization=organization,
        kinds=query["kind"] and [query["kind"]],
        reader=reader,
        unread=query["unread"],
        before=number_of(query["cursor"]),
        limit=limit + 1,
    )
    return notice_page(found, limit) | {"unread": wired().notices.unread(organization, reader)}


@book.op(
    "POST",
    f"{OWN}/read",
    roles=READERS,
    body=ReadNoticesSchema(),
    out=UnreadSchema(),
    example={"up_to": 42},
)
def read_notices(organization: str, body: dict[str, Any]) -> dict[str, int]:
    """Say that you have read an organization's notices up to a number. It never goes back."""
    wired().registration.get(organization)
    return {"unread": wired().notices.read(organization, principal().actor, body["up_to"])}


@book.op("GET", "/v1/notices", roles=STAFF, query=AllNoticeListQuery(), out=NoticePageSchema())
def list_all_notices(query: dict[str, Any]) -> dict[str, Any]:
    """Everything there was to tell about everybody, newest first."""
    limit = query["limit"]
    found = wired().notices.everything(
        organization=query["organization"],
        kinds=query["kind"] and [query["kind"]],
        before=number_of(query["cursor"]),
        limit=limit + 1,
    )
    return notice_page(found, limit)


@book.op("GET", CHOICES, roles=READERS, out=MailChoicesSchema())
def get_notifications(organization: str, user: str) -> Mapping[str, bool]:
    """What a member is told of by e-mail. Owners and billing members: of everything by default."""
    return wired().mail_choices.get(organization, user)


@book.op(
    "PUT",
    CHOICES,
    roles=READERS,
    body=MailChoicesSchema(),
    out=MailChoicesSchema(),
    example={"billing": True, "trouble": False},
)
def put_notifications(organization: str, user: str, body: dict[str, bool]) -> Mapping[str, bool]:
    """Say what a member is told of by e-mail. What is not named stays as it is."""
    return wired().mail_choices.put(organization, user, body)


def notice_page(found: Sequence[Told], limit: int) -> dict[str, Any]:
    """A page of notices."""
    page = found[:limit]
    return {
        "data": [notice_json(each) for each in page],
        "next_cursor": str(page[-1].number) if len(found) > limit else None,
    }


def notice_json(told: Told) -> dict[str, Any]:
    """A notice."""
    return {
        "number": told.number,
        "id": told.id,
        "kind": told.kind,
        "organization": told.organization or None,
        "cycle": told.cycle,
        "at": told.at,
        "data": told.data,
        "unread": told.unread,
    }


def number_of(cursor: str | None) -> int | None:
    """The number that a cursor of these lists holds."""
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and int(cursor) < NUMBER_MAX):
        raise InvalidInput("not a cursor of this list", field="cursor")
    return int(cursor)
