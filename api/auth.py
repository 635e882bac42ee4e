"""Who asks, and whether they may: bearer keys, roles, and one organization's walls."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from time import monotonic

from api.errors import Unauthorized
from application.keys import ApiKey, Keys, hashed
from domain.errors import Forbidden, NotFound
from domain.identity import parse_cycle_name

CACHED_S = 3
"""A key answered from memory may have been revoked this long ago."""

CACHED_KEYS_MAX = 10_000

INGEST, ORGANIZATION, SUPPORT, ADMIN = "ingest", "organization", "support", "admin"

PUBLIC: frozenset[str] = frozenset()
"""No key needed."""

REPORTERS = frozenset({INGEST, ADMIN})
READERS = frozenset({ORGANIZATION, SUPPORT, ADMIN})
STAFF = frozenset({SUPPORT, ADMIN})
ADMINS = frozenset({ADMIN})


@dataclass(frozen=True, kw_only=True, slots=True)
class Principal:
    """Whoever sent the request. actor: how events name them.

    organization: the only one they may see, or ``None``.
    """

    actor: str
    role: str
    organization: str | None = None


class KeyRing:
    """Finds the key of a request, without asking the database each time."""

    def __init__(self, keys: Keys, clock: Callable[[], float] = monotonic) -> None:
        self._keys = keys
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[float, ApiKey]] = OrderedDict()
        self._lock = threading.Lock()

    def principal(self, authorization: str | None) -> Principal:
        """Who sent this ``Authorization`` header.

        Raises:
            Unauthorized: it is missing, or names no key in force.
            StoreUnavailable: the key is not in memory and the database does not answer.
        """
        scheme, _, secret = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not secret:
            raise Unauthorized("send a key: Authorization: Bearer ck_...")
        key = self.key(secret)
        return Principal(actor=f"key:{key.id}", role=key.role, organization=key.organization)

    def has_seen(self, authorization: str) -> bool:
        """Whether this header's key was in force when it last came, not long ago."""
        return hashed(authorization.partition(" ")[2].strip()) in self._known

    def key(self, secret: str) -> ApiKey:
        """The key in force with this secret.

        Raises:
            Unauthorized: there is none.
        """
        key = self._find(hashed(secret.strip()))
        if key is None:
            raise Unauthorized("this key is unknown or revoked")
        return key

    def _find(self, digest: bytes) -> ApiKey | None:
        now = self._clock()
        with self._lock:
            known = self._known.get(digest)
        if known and known[0] > now:
            return known[1]
        key = self._keys.find(digest)
        with self._lock:
            self._known.pop(digest, None)
            if key is not None:
                self._known[digest] = (now + CACHED_S, key)
            if len(self._known) > CACHED_KEYS_MAX:
                self._known.popitem(last=False)
        return key


def admit(principal: Principal, roles: Collection[str], path: Mapping[str, str]) -> None:
    """Let a request through to what its path names.

    Raises:
        Forbidden: the key's role may not do this at all.
        NotFound: it is another organization's; that is not to be told from what does not exist.
    """
    if principal.role not in roles:
        who = " or ".join(sorted(roles))
        raise Forbidden(f"a key with role {principal.role} may not do this: it needs role {who}")
    if principal.role != ORGANIZATION:
        return
    if path.get("organization", principal.organization) != principal.organization:
        raise NotFound(f"there is no organization {path['organization']}")
    cycle = path.get("cycle")
    if cycle is not None:
        parsed = parse_cycle_name(cycle)
        if parsed is None or parsed[0] != principal.organization:
            raise NotFound(f"there is no billing cycle {cycle}")
