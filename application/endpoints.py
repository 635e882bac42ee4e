"""Webhook endpoints: systems of the operator that are told what happens, and what they got."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from application.notices import KINDS, Told
from application.signing import new_secret
from domain.errors import InvalidInput, NotFound, RuleViolation

ENDPOINTS_MAX = 20
GRACE = timedelta(days=1)
GRACE_MAX = timedelta(days=7)
"""How long a replaced secret goes on signing beside the new one, by default and at most."""

BY_HAND = "disabled by hand"


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookEndpoint:
    """Where notices are sent. kinds: which ones, ``None`` for all.

    secret: signs; old_secret: signs as well until ``old_until``. failing_since: when the first
    of the failures in a row was. disabled_reason: why it is not enabled.
    """

    id: str
    url: str
    secret: str
    description: str = ""
    kinds: tuple[str, ...] | None = None
    old_secret: str | None = None
    old_until: datetime | None = None
    enabled: bool = True
    disabled_reason: str | None = None
    failing_since: datetime | None = None
    made_at: datetime | None = None

    def secrets_at(self, at: datetime) -> list[str]:
        """The secrets that sign at an instant, the newest first."""
        old = self.old_secret if self.old_until is not None and at < self.old_until else None
        return [self.secret, *([old] if old else [])]


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One notice on its way to one endpoint. status: ``waiting``, ``delivered`` or ``given_up``.

    next_try_at: of the first in its line; none for those behind it. answer: the last HTTP status.
    response: how its body begins, as printable text.
    """

    number: int
    endpoint: str
    notice: Told
    status: str
    attempts: int
    made_at: datetime
    tried_at: datetime | None
    next_try_at: datetime | None
    answer: int | None
    response: str | None
    error: str | None


class EndpointStore(Protocol):
    """Keeps endpoints and what they were sent."""

    def add(self, endpoint: WebhookEndpoint, actor: str) -> None:
        """Store a new one."""
        ...

    def get(self, endpoint: str) -> WebhookEndpoint | None:
        """One of them."""
        ...

    def list(self) -> Sequence[WebhookEndpoint]:
        """All of them, oldest first."""
        ...

    def put(self, endpoint: WebhookEndpoint, event: str, actor: str) -> None:
        """Put this in its row's place. Whatever waits for one that is disabled is given up."""
        ...

    def delete(self, endpoint: str, actor: str) -> bool:
        """Remove one, with its deliveries; whether it was there."""
        ...

    def deliveries(
        self, endpoint: str, status: str | None, before: int | None, limit: int
    ) -> Sequence[Delivery]:
        """What it was sent and will be, newest first, older than ``before``."""
        ...

    def delivery(self, endpoint: str, number: int) -> Delivery | None:
        """One of them."""
        ...

    def redeliver(self, endpoint: str, number: int) -> int:
        """Try one that waits at once, or put its notice at the end of the line; its number."""
        ...

    def test(self, endpoint: str, occurrence: str, at: datetime) -> int:
        """Put a test in a line of its own, to be tried at once; the delivery's number."""
        ...


class AddressCheck(Protocol):
    """What an address has to be so that a webhook may be sent there."""

    def __call__(self, url: str) -> None:
        """Look at how it is written; names are looked up each time something is sent.

        Raises:
            InvalidInput: nothing will ever be sent there; the sentence says why.
        """
        ...


class Endpoints:
    """What one can do with webhook endpoints. check: refuses addresses."""

    def __init__(self, store: EndpointStore, check: AddressCheck) -> None:
        self._store = store
        self._check = check

    def create(
        self, url: str, kinds: Sequence[str] | None, description: str = "", *, actor: str
    ) -> WebhookEndpoint:
        """Make an endpoint. Its secret is shown this once.

        Raises:
            InvalidInput: the address may not be sent to, or there is no such kind.
            RuleViolation: there are ``ENDPOINTS_MAX`` already.
        """
        self._check(url)
        if len(self._store.list()) >= ENDPOINTS_MAX:
            raise RuleViolation(
                f"there are {ENDPOINTS_MAX} endpoints; delete one first", code="too_many_endpoints"
            )
        made = WebhookEndpoint(
            id=f"we_{secrets.token_hex(8)}",
            url=url,
            secret=new_secret(),
            description=description,
            kinds=_kinds(kinds),
        )
        self._store.add(made, actor)
        return self.get(made.id)

    def list(self) -> Sequence[WebhookEndpoint]:
        """All of them, oldest first."""
        return self._store.list()

    def get(self, endpoint: str) -> WebhookEndpoint:
        """One of them.

        Raises:
            NotFound: there is none with this id.
        """
        found = self._store.get(endpoint)
        if found is None:
            raise NotFound(f"there is no webhook endpoint {endpoint}")
        return found

    def change(
        self, endpoint: str, changes: Mapping[str, object], *, actor: str
    ) -> WebhookEndpoint:
        """Change some of ``url``, ``kinds``, ``description`` and ``enabled``.

        Whatever waits for one that is disabled is given up. One that is enabled again begins with
        what happens from then on.

        Raises:
            NotFound: there is none with this id.
            InvalidInput: the address may not be sent to, or there is no such kind.
        """
        known = self.get(endpoint)
        if "url" in changes:
            self._check(str(changes["url"]))
        made = replace(known, **_checked(known, changes))
        if made != known:
            self._store.put(made, "changed", actor)
        return self.get(endpoint)

    def rotate(
        self, endpoint: str, at: datetime, grace: timedelta = GRACE, *, actor: str
    ) -> WebhookEndpoint:
        """Give an endpoint a new secret; for a while the old one signs as well.

        Raises:
            NotFound: there is none with this id.
            InvalidInput: the grace is below zero, or longer than ``GRACE_MAX``.
        """
        if not timedelta(0) <= grace <= GRACE_MAX:
            raise InvalidInput(f"the grace is 0 to {GRACE_MAX.days} days", field="grace_s")
        known = self.get(endpoint)
        made = replace(known, secret=new_secret(), old_secret=known.secret, old_until=at + grace)
        self._store.put(made, "rotated", actor)
        return made

    def delete(self, endpoint: str, *, actor: str) -> None:
        """Remove an endpoint, and all that is known of its deliveries.

        Raises:
            NotFound: there is none with this id.
        """
        if not self._store.delete(endpoint, actor):
            raise NotFound(f"there is no webhook endpoint {endpoint}")

    def deliveries(
        self,
        endpoint: str,
        *,
        status: str | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> Sequence[Delivery]:
        """What an endpoint was sent and will be, newest first, older than ``before``.

        Raises:
            NotFound: there is none with this id.
        """
        self.get(endpoint)
        return self._store.deliveries(endpoint, status, before, limit)

    def delivery(self, endpoint: str, number: int) -> Delivery:
        """One delivery.

        Raises:
            NotFound: there is none with this number.
        """
        found = self._store.delivery(endpoint, number)
        if found is None:
            raise NotFound(f"webhook endpoint {endpoint} has no delivery {number}")
        return found

    def redeliver(self, endpoint: str, number: int) -> Delivery:
        """Send a notice once more, under its old id; one that still waits is tried at once.

        Raises:
            NotFound: there is no such delivery.
            RuleViolation: the endpoint is disabled.
        """
        self.delivery(endpoint, number)
        self._enabled(endpoint)
        return self.delivery(endpoint, self._store.redeliver(endpoint, number))

    def test(self, endpoint: str, at: datetime) -> Delivery:
        """Send ``endpoint.test`` at once, whatever waits, and once only.

        What became of it is seen in the delivery within seconds, where a worker notifies.

        Raises:
            NotFound: there is none with this id.
            RuleViolation: the endpoint is disabled.
        """
        self._enabled(endpoint)
        occurrence = f"endpoint.test/{endpoint}/{secrets.token_hex(8)}"
        return self.delivery(endpoint, self._store.test(endpoint, occurrence, at))

    def _enabled(self, endpoint: str) -> None:
        if not self.get(endpoint).enabled:
            raise RuleViolation(
                f"webhook endpoint {endpoint} is disabled; enable it first",
                code="endpoint_disabled",
            )


def _checked(known: WebhookEndpoint, changes: Mapping[str, object]) -> dict[str, Any]:
    found: dict[str, Any] = dict(changes)
    if "kinds" in found:
        found["kinds"] = _kinds(found["kinds"])
    enabled = found.get("enabled", known.enabled)
    if enabled and not known.enabled:
        found |= {"disabled_reason": None, "failing_since": None}
    elif known.enabled and not enabled:
        found["disabled_reason"] = BY_HAND
    return found


def _kinds(kinds: Sequence[str] | None) -> tuple[str, ...] | None:
    if kinds is None:
        return None
    for kind in kinds:
        if kind not in KINDS:
            raise InvalidInput(f"there is no kind of notice {kind}", field="kinds")
    if not kinds:
        raise InvalidInput("kinds must name one or more, or be null for all", field="kinds")
    return tuple(sorted(set(kinds)))
