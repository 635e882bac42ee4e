"""Stripe's webhooks: proof that Stripe sent them, and what they say in our words."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from adapters.stripe.reading import CYCLE, ORGANIZATION
from application.inbox import Message
from application.stripe_calls import made_for
from domain.errors import InvalidInput

TOLERANCE_S = 300
"""How far a webhook's own instant may lie from ours, either way."""

SECONDS_MAX = 1 << 34
"""No honest instant is later than this; it is some five centuries away."""

_WORD = re.compile(r"[A-Za-z0-9_.-]{1,255}")
"""What an id of Stripe's, a kind of events or an id of ours is made of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookEvent:
    """A verified message from Stripe. It is a hint to look again, never a fact.

    object_id: what it is about, or empty where that has no id. cycle, organization: ours, where
    the object carries one. echo: a sync of ours wrote to a draft, and this tells of it.
    """

    id: str
    type: str
    created: datetime
    object_id: str
    cycle: str | None
    organization: str | None
    echo: bool
    payload: Mapping[str, Any]

    @property
    def message(self) -> Message:
        """What the inbox keeps of it."""
        return Message(
            id=self.id,
            type=self.type,
            object_id=self.object_id,
            cycle=self.cycle,
            organization=self.organization,
            echo=self.echo,
        )


def read_webhook(
    body: bytes, signature: str | None, secrets: Sequence[str], now: datetime
) -> WebhookEvent:
    """Verify a webhook and read it. Several secrets serve while one is being replaced.

    Raises:
        InvalidInput: no signature matches, it is older or newer than ``TOLERANCE_S``, or the
            body is not an event of Stripe's.

    Source: https://docs.stripe.com/webhooks#verify-manually
    """
    verify(body, signature, secrets, now)
    try:
        return event_of(json.loads(body))
    except (ValueError, RecursionError, LookupError, TypeError, OverflowError) as error:
        raise InvalidInput("this webhook's body is not a Stripe event", field="body") from error


def verify(body: bytes, signature: str | None, secrets: Sequence[str], now: datetime) -> None:
    """Check the ``Stripe-Signature`` header against the exact bytes of the body.

    Raises:
        InvalidInput: it does not prove that Stripe sent this, just now.
    """
    stamped, given = _parts(signature or "")
    expected = [_signature(body, stamped, secret) for secret in secrets if secret.strip()]
    if not any(hmac.compare_digest(ours, theirs) for ours in expected for theirs in given):
        raise _unproved("this webhook is not signed by Stripe")
    if abs(int(now.timestamp()) - int(stamped)) > TOLERANCE_S:
        raise _unproved("this webhook was not signed within the last five minutes")


def _parts(header: str) -> tuple[str, list[bytes]]:
    """The instant and the v1 signatures of a header such as ``t=1,v1=ab,v1=cd``."""
    stamps, signatures = [], []
    for part in header.split(","):
        name, _, value = part.strip().partition("=")
        if name == "t":
            stamps.append(value)
        elif name == "v1":
            signatures.append(value.encode("utf-8", "replace"))
    if len(stamps) != 1 or not _plain_number(stamps[0]):
        raise _unproved("this webhook's signature header has no instant")
    return stamps[0], signatures


def _plain_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 11 and int(text) < SECONDS_MAX


def _signature(body: bytes, stamped: str, secret: str) -> bytes:
    signed = stamped.encode() + b"." + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode()


def event_of(payload: Any) -> WebhookEvent:
    """An event as Stripe sends and lists it.

    Raises:
        ValueError, LookupError, TypeError, OverflowError: it is none.
    """
    about = payload["data"]["object"]
    created = payload["created"]
    if not isinstance(about, dict):
        raise TypeError("an event is about an object")
    for text in (payload["id"], payload["type"]):
        if not isinstance(text, str) or not _WORD.fullmatch(text):
            raise ValueError("an event's id and type are words")
    if not isinstance(created, int) or not 0 <= created < SECONDS_MAX:
        raise ValueError("an event's created is a number of seconds")
    return WebhookEvent(
        id=payload["id"],
        type=payload["type"],
        created=datetime.fromtimestamp(created, UTC),
        object_id=_word(about.get("id")) or "",
        cycle=_marked(about, CYCLE),
        organization=_marked(about, ORGANIZATION),
        echo=_is_echo(payload, about),
        payload=payload,
    )


def _is_echo(payload: Any, about: dict[str, Any]) -> bool:
    """Source: https://docs.stripe.com/api/events/object#event_object-request"""
    cause = payload.get("request")
    key = cause.get("idempotency_key") if isinstance(cause, dict) else None
    cycle = _marked(about, CYCLE)
    ours = isinstance(key, str) and cycle is not None and made_for(cycle, key)
    return ours and payload["type"] == "invoice.updated" and about.get("status") == "draft"


def _marked(about: dict[str, Any], name: str) -> str | None:
    """What we wrote into the object's metadata, if it is there."""
    metadata = about.get("metadata")
    return _word(metadata.get(name)) if isinstance(metadata, dict) else None


def _word(value: Any) -> str | None:
    """A text that can be an id; whatever else people or programs wrote there is none."""
    return value if isinstance(value, str) and _WORD.fullmatch(value) else None


def _unproved(message: str) -> InvalidInput:
    return InvalidInput(message, field="Stripe-Signature")
