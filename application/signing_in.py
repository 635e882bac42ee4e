"""Sessions of people at the pages: begun by a link or a key, found by a token, ended."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from application.keys import ApiKey
from domain.errors import Forbidden, RuleViolation

STAFF_STAY = timedelta(hours=12)
CUSTOMERS_STAY = timedelta(days=7)
"""How long a session lasts at most."""

PAGE_ROLES = ("organization", "support", "admin")


@dataclass(frozen=True, kw_only=True, slots=True)
class Visitor:
    """Who is signed in. actor: as events name them. organization: the only one they may see.

    key: what they signed in by; their session ends with it. ``None`` for those with a link.
    """

    actor: str
    role: str
    organization: str | None = None
    key: str | None = None


class SessionStore(Protocol):
    """Where sessions are kept, by hash."""

    def add(self, digest: bytes, visitor: Visitor, stay: timedelta) -> None:
        """Begin one. Old ones are forgotten by the way."""
        ...

    def find(self, digest: bytes) -> Visitor | None:
        """Whose it is, while it lasts, the key it was begun by is in force, and the member it is
        of is one."""
        ...

    def end(self, digest: bytes) -> None:
        """End it; twice does nothing."""
        ...

    def add_link(self, link: str, visitor: Visitor, expires_at: datetime, actor: str) -> None:
        """Note that somebody made a link, and for whom."""
        ...

    def use_link(self, link: str) -> bool:
        """Note that a link is used; false where it was before, or nobody made it."""
        ...


class Sessions:
    """What one can do with sessions."""

    def __init__(self, store: SessionStore) -> None:
        self._store = store

    def begin(self, visitor: Visitor) -> str:
        """Begin a session; its token, which only the visitor's browser keeps."""
        token = secrets.token_urlsafe(32)
        stay = CUSTOMERS_STAY if visitor.role == "organization" else STAFF_STAY
        self._store.add(_hashed(token), visitor, stay)
        return token

    def begin_by_key(self, key: ApiKey) -> str:
        """Begin a session for somebody who showed a key.

        Raises:
            Forbidden: it is a service's key, not a person's.
        """
        if key.role not in PAGE_ROLES:
            raise Forbidden(f"a key with role {key.role} is for services; it opens no pages")
        return self.begin(
            Visitor(actor=f"key:{key.id}", role=key.role, organization=key.organization, key=key.id)
        )

    def make_link(self, visitor: Visitor, expires_at: datetime, *, actor: str) -> str:
        """Let somebody sign in once until then; the name of the link that says so."""
        link = secrets.token_urlsafe(9)
        self._store.add_link(link, visitor, expires_at, actor)
        return link

    def begin_by_link(self, link: str, visitor: Visitor) -> str:
        """Begin a session for somebody who followed a link, the first time it is followed.

        Raises:
            RuleViolation: somebody followed it before; ``link_used``.
        """
        if not self._store.use_link(link):
            raise RuleViolation("this link has been used; ask for another one", code="link_used")
        return self.begin(visitor)

    def find(self, token: str) -> Visitor | None:
        """Who has this token."""
        return self._store.find(_hashed(token))

    def end(self, token: str) -> None:
        """Sign out: whoever has the token is nobody from now on."""
        self._store.end(_hashed(token))


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="replace")).digest()
