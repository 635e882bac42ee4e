"""Keys of the API: made, listed, replaced and revoked. Only a key's SHA-256 is kept."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from domain.errors import InvalidInput, NotFound
from domain.pricing.fields import identifier

PREFIX = "ck_"
ACTOR = "key:"
"""A key as an actor is this and its id."""

ROLES = ("ingest", "organization", "support", "admin")
GRACE = timedelta(days=1)
"""How long a key that was replaced stays in force, unless told otherwise."""

GRACE_MAX = timedelta(days=30)
_SHOWN = 8  # characters of the secret that name it; the other 35 are 210 random bits
_ID = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{{_SHOWN}}}")


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKey:
    """A key without its secret. organization: the only one it may see, role permitting.

    last_used_at: to the minute. expires_at: it was replaced, and is refused from then on.
    """

    id: str
    role: str
    organization: str | None = None
    name: str = ""
    created_at: datetime | None = None
    last_used_at: datetime | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyEvent:
    """What somebody did to a key. event: ``created``, ``rotated`` or ``revoked``.

    successor: where it was rotated, the key that takes its place.
    """

    number: int
    key: str
    event: str
    at: datetime
    actor: str
    successor: str | None


class KeyStore(Protocol):
    """Where keys are kept, by hash, with who did what to them. It has the one clock for all."""

    def add(self, key: ApiKey, digest: bytes, actor: str) -> None:
        """Store a new key."""
        ...

    def replace(
        self, old: str, key: ApiKey, digest: bytes, grace: timedelta, actor: str
    ) -> ApiKey | None:
        """Store a new key and let the old one, answered as it is now, expire after ``grace``.

        One that expires sooner already keeps its time. ``None``: there is no such key in force.
        """
        ...

    def find(self, digest: bytes) -> ApiKey | None:
        """A key in force; its use is noted, once a minute at most."""
        ...

    def get(self, key: str) -> ApiKey | None:
        """A key by its id, in force or not."""
        ...

    def list(self, after: str = "", limit: int | None = None) -> Sequence[ApiKey]:
        """Keys after another one, oldest first, those not in force too."""
        ...

    def revoke(self, key: str, actor: str) -> bool:
        """Whether there is such a key; revoking twice changes nothing."""
        ...

    def replaced(self, old: str, new: str) -> bool:
        """Whether a key took the place of another one, in however many steps."""
        ...

    def events(self, after: int, limit: int | None) -> Sequence[KeyEvent]:
        """What was done to keys after an event, oldest first."""
        ...


class Keys:
    """What one can do with keys."""

    def __init__(self, store: KeyStore) -> None:
        self._store = store

    def create(
        self, role: str, organization: str | None = None, name: str = "", *, actor: str
    ) -> str:
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
        secret = _new_secret()
        key = ApiKey(id=key_id(secret), role=role, organization=organization, name=name)
        self._store.add(key, hashed(secret), actor)
        return secret

    def find(self, digest: bytes) -> ApiKey | None:
        """The key in force with this hash."""
        return self._store.find(digest)

    def get(self, key: str) -> ApiKey:
        """A key, in force or not.

        Raises:
            NotFound: there is no such key.
        """
        found = self._store.get(key) if _ID.fullmatch(key) else None
        if found is None:
            raise NotFound(f"there is no key {key}")
        return found

    def list(self, after: str = "", limit: int | None = None) -> Sequence[ApiKey]:
        """Keys after another one, oldest first, those not in force too."""
        return self._store.list(after, limit)

    def revoke(self, key: str, *, actor: str) -> ApiKey:
        """End a key. Twice does nothing.

        Raises:
            NotFound: there is no such key.
        """
        self.get(key)
        self._store.revoke(key, actor)
        return self.get(key)

    def rotate(self, key: str, grace: timedelta = GRACE, *, actor: str) -> tuple[str, ApiKey]:
        """Make a key like this one; its secret, and the old key with its end.

        The old key stays in force for ``grace``, so that nothing stops while its users change
        over. Rotating it once more makes another key, and never lengthens its time.

        Raises:
            NotFound: there is no such key in force.
            InvalidInput: the grace is below zero, or longer than ``GRACE_MAX``.
        """
        if not timedelta(0) <= grace <= GRACE_MAX:
            raise InvalidInput(f"the grace is 0 to {GRACE_MAX.days} days", field="grace_s")
        old, secret = self.get(key), _new_secret()
        new = ApiKey(id=key_id(secret), role=old.role, organization=old.organization, name=old.name)
        ending = self._store.replace(key, new, hashed(secret), grace, actor)
        if ending is None:
            raise NotFound(f"there is no key {key} in force")
        return secret, ending

    def same_holder(self, one: str, other: str) -> bool:
        """Whether two actors are one key, or one that took the other's place."""
        if not (one.startswith(ACTOR) and other.startswith(ACTOR)):
            return one == other
        old, new = one.removeprefix(ACTOR), other.removeprefix(ACTOR)
        return self._store.replaced(old, new) or self._store.replaced(new, old)

    def events(self, after: int = 0, limit: int | None = None) -> Sequence[KeyEvent]:
        """Who made, rotated and revoked keys, oldest first."""
        return self._store.events(after, limit)


def _new_secret() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def hashed(secret: str) -> bytes:
    """What is kept of a secret. It is random already, so a plain hash is enough."""
    return hashlib.sha256(secret.encode(errors="replace")).digest()


def key_id(secret: str) -> str:
    """How a key is named where its secret may not be seen."""
    return secret[: len(PREFIX) + _SHOWN]
