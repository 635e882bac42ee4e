"""Keys of the API: made, listed, replaced and revoked. Only a key's SHA-256 is kept."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.errors import InvalidInput, NotFound
from domain.pricing.fields import identifier

PREFIX = "ck_"
ROLES = ("ingest", "organization", "support", "admin")
_SHOWN = 8  # characters of the secret that name it; the other 35 are 210 random bits


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKey:
    """A key without its secret. organization: the only one it may see, role permitting."""

    id: str
    role: str
    organization: str | None = None
    name: str = ""
    created_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


class KeyStore(Protocol):
    """Where keys are kept, by hash."""

    def add(self, key: ApiKey, digest: bytes) -> None:
        """Store a new key."""
        ...

    def find(self, digest: bytes) -> ApiKey | None:
        """A key in force; its use is noted, once a minute at most."""
        ...

    def get(self, key: str) -> ApiKey | None:
        """A key by its id, revoked or not."""
        ...

    def list(self) -> Sequence[ApiKey]:
        """All keys, oldest first, revoked ones too."""
        ...

    def revoke(self, key: str) -> bool:
        """Whether there is such a key; revoking twice changes nothing."""
        ...


class Keys:
    """What one can do with keys."""

    def __init__(self, store: KeyStore) -> None:
        self._store = store

    def create(self, role: str, organization: str | None = None, name: str = "") -> str:
        """Make a key and return its secret, which is shown this once.

        Raises:
            InvalidInput: there is no such role, or role and organization do not go together.
        """
        if role not in ROLES:
            raise InvalidInput(f"role must be one of {', '.join(ROLES)}", field="role")
        if (role == "organization") != (organization is not None):
            raise InvalidInput(
                "a key of role organization names its organization, and no other key does",
                field="organization",
            )
        if organization is not None:
            identifier(organization, "organization")
        secret = PREFIX + secrets.token_urlsafe(32)
        key = ApiKey(id=key_id(secret), role=role, organization=organization, name=name)
        self._store.add(key, hashed(secret))
        return secret

    def find(self, digest: bytes) -> ApiKey | None:
        """The key in force with this hash."""
        return self._store.find(digest)

    def list(self) -> Sequence[ApiKey]:
        """All keys, oldest first, revoked ones too."""
        return self._store.list()

    def revoke(self, key: str) -> None:
        """End a key. Twice does nothing.

        Raises:
            NotFound: there is no such key.
        """
        if not self._store.revoke(key):
            raise NotFound(f"there is no key {key}")

    def rotate(self, key: str) -> str:
        """Make a key like this one and return its secret; the old one stays until revoked.

        Raises:
            NotFound: there is no such key in force.
        """
        old = self._store.get(key)
        if old is None or old.revoked_at is not None:
            raise NotFound(f"there is no key {key} in force")
        return self.create(old.role, old.organization, old.name)


def hashed(secret: str) -> bytes:
    """What is kept of a secret. It is random already, so a plain hash is enough."""
    return hashlib.sha256(secret.encode(errors="replace")).digest()


def key_id(secret: str) -> str:
    """How a key is named where its secret may not be seen."""
    return secret[: len(PREFIX) + _SHOWN]
