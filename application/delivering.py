"""Delivers notices to webhook endpoints: in order, signed, and again after a failure."""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from application.endpoints import WebhookEndpoint
from application.notices import TEST, Notice, Told
from application.signing import headers
from domain.errors import CyclebookError
from domain.period import written_utc

log = logging.getLogger(__name__)

SCHEDULE = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""How long after each failed attempt the next one is; after the last one it is given up."""

DISABLED_AFTER = timedelta(days=5)
"""An endpoint that did nothing but fail for so long is disabled."""

LEASE = timedelta(seconds=90)
"""Longer than an attempt can take, with a slow look-up of the name."""

GONE = 410


@dataclass(frozen=True, kw_only=True, slots=True)
class Claimed:
    """The first delivery of a line, ours for a while. lease: by which the line knows us.

    line: its organization, empty for what is about nobody; a test has a line of its own.
    attempts: how often it was tried before.
    """

    number: int
    line: str
    lease: str
    endpoint: WebhookEndpoint
    notice: Told
    attempts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """What became of an attempt. status: what becomes of the delivery: ``delivered``,
    ``waiting`` or ``given_up``. next_at: when it is tried again; ``None`` where it is not.

    disabled: why the endpoint is to be disabled; ``None`` where it is not. notices: what is to be
    told of that.
    """

    status: str
    at: datetime
    answer: int | None = None
    response: str | None = None
    error: str | None = None
    next_at: datetime | None = None
    disabled: str | None = None
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """How an endpoint answered. head: how the body begins, as printable text."""

    status: int
    head: str


class Undeliverable(CyclebookError):
    """Nothing was answered: the address may not be sent to, or nobody there spoke HTTP in time."""

    code = "undeliverable"


class Sender(Protocol):
    """Sends to addresses of others."""

    def __call__(self, url: str, headers: dict[str, str], body: bytes) -> Answered:
        """Send a POST and read how it is answered.

        Raises:
            Undeliverable: there is no answer; the sentence says why.
        """
        ...


class DeliveryQueue(Protocol):
    """The lines of deliveries: one for each endpoint and organization, and one for each test."""

    def claim(self, now: datetime, until: datetime, *, steady: bool) -> Claimed | None:
        """The first delivery of a line that is due, kept from others ``until`` an instant.

        steady: only of endpoints whose last attempt succeeded.
        """
        ...

    def finish(self, claimed: Claimed, attempt: Attempt) -> bool:
        """Note what became of it, and let the line go; whether it was still ours."""
        ...


class Delivering:
    """Takes lines that are due. send: to addresses of others. origin: our own, for links."""

    def __init__(self, queue: DeliveryQueue, send: Sender, origin: str) -> None:
        self._queue = queue
        self._send = send
        self._origin = origin

    def step(self, now: Callable[[], datetime], *, steady: bool = False) -> bool:
        """Try the delivery that is due first; whether there was one.

        steady: leave endpoints alone that fail, so that the others need not wait for them.
        """
        began = now()
        claimed = self._queue.claim(began, began + LEASE, steady=steady)
        if claimed is None:
            return False
        attempt = self._try(claimed, began, now)
        self._queue.finish(claimed, attempt)
        _say(claimed, attempt)
        return True

    def _try(self, claimed: Claimed, at: datetime, now: Callable[[], datetime]) -> Attempt:
        body = body_of(claimed.notice, self._origin)
        keys = claimed.endpoint.secrets_at(at)
        sent = {
            "content-type": "application/json",
            "user-agent": "Cyclebook",
            **headers(claimed.notice.id, at, body, keys),
        }
        try:
            answered = self._send(claimed.endpoint.url, sent, body)
        except Undeliverable as error:
            return failed(claimed, now(), error=str(error))
        except Exception as error:  # a fault of ours: counted too, or it would come for ever
            log.error("%s cannot be delivered", claimed.notice.id, exc_info=error)
            return failed(claimed, now(), error=f"a fault of ours: {type(error).__name__}")
        if 200 <= answered.status < 300:
            return Attempt(
                status="delivered", at=now(), answer=answered.status, response=answered.head
            )
        return failed(claimed, now(), error=f"answered {answered.status}", answered=answered)


def _say(claimed: Claimed, attempt: Attempt) -> None:
    where = claimed.endpoint.id
    if attempt.status == "given_up":
        log.error("delivery %d to %s is given up: %s", claimed.number, where, attempt.error)
    if attempt.disabled is not None:
        log.error("webhook endpoint %s is disabled: %s", where, attempt.disabled)


def failed(
    claimed: Claimed, at: datetime, *, error: str, answered: Answered | None = None
) -> Attempt:
    """What becomes of a delivery after an attempt that failed at an instant.

    A test is tried once, and disables nothing: whoever asked for it wants to know, now.
    """
    once = claimed.notice.kind == TEST
    schedule = () if once else SCHEDULE
    pause = schedule[claimed.attempts] if claimed.attempts < len(schedule) else None
    disabled = None if once else _disabled(claimed.endpoint, at, answered)
    over = pause is None or disabled is not None
    return Attempt(
        status="given_up" if over else "waiting",
        at=at,
        answer=answered.status if answered else None,
        response=answered.head if answered else None,
        error=error,
        next_at=None if over or pause is None else at + pause,
        disabled=disabled,
        notices=(_told_of(claimed.endpoint, at, disabled),) if disabled else (),
    )


def _disabled(endpoint: WebhookEndpoint, at: datetime, answered: Answered | None) -> str | None:
    if answered is not None and answered.status == GONE:
        return "it answered 410: gone"
    since = endpoint.failing_since
    if since is not None and at - since >= DISABLED_AFTER:
        return f"every attempt failed since {written_utc(since)}"
    return None


def _told_of(endpoint: WebhookEndpoint, at: datetime, reason: str) -> Notice:
    return Notice(
        kind="endpoint.disabled",
        organization="",
        occurrence=f"endpoint.disabled/{endpoint.id}/{written_utc(at)}",
        at=at,
        data={"endpoint": endpoint.id, "reason": reason},
    )


def body_of(notice: Told, origin: str) -> bytes:
    """What is sent: the same bytes for every attempt. origin: our address, for links."""
    said = {
        "type": notice.kind,
        "id": notice.id,
        "timestamp": written_utc(notice.at),
        "organization": notice.organization or None,
        "cycle": notice.cycle,
        "data": {**notice.data, "links": links(notice, origin)},
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def links(notice: Told, origin: str) -> dict[str, str]:
    """Where the API tells more about what a notice is about, as it is now."""
    found: dict[str, str] = {}
    if notice.organization:
        found["organization"] = f"{origin}/v1/organizations/{notice.organization}"
        if "case" in notice.data:
            found["case"] = f"{found['organization']}/cases/{notice.data['case']}"
    if notice.cycle:
        found["invoice"] = f"{origin}/v1/invoices/{notice.cycle}"
    if "endpoint" in notice.data:
        found["endpoint"] = f"{origin}/v1/webhook-endpoints/{notice.data['endpoint']}"
    return found
