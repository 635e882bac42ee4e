"""Signatures of outgoing webhooks, as Standard Webhooks has them, and the secrets they need."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime

PREFIX = "whsec_"
_BYTES = 32


def new_secret() -> str:
    """A secret of 256 random bits: ``whsec_`` and base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def headers(id: str, at: datetime, body: bytes, keys: Sequence[str]) -> dict[str, str]:
    """The headers by which a receiver knows a message, and that it is from us.

    id: the same for every attempt. at: of this attempt. keys: secrets; there is a signature by
    each of them.

    >>> from datetime import UTC
    >>> sent = headers("ntc_1", datetime(2026, 1, 5, tzinfo=UTC), b"{}", ["whsec_c2VjcmV0"])
    >>> sent["webhook-timestamp"], sent["webhook-signature"]
    ('1767571200', 'v1,O5Ddknrmb9Nn3C91n4TWn7W4XDLRe/LfPtLxJ4PJxzk=')
    """
    stamp = str(int(at.timestamp()))
    said = f"{id}.{stamp}.".encode() + body
    return {
        "webhook-id": id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(f"v1,{_signature(key, said)}" for key in keys),
    }


def _signature(key: str, said: bytes) -> str:
    secret = base64.b64decode(key.removeprefix(PREFIX))
    return base64.b64encode(hmac.new(secret, said, hashlib.sha256).digest()).decode()
