"""The sandbox's webhooks: signed as Stripe signs, and sent again until they are taken."""

import hashlib
import hmac
import json
from collections.abc import Sequence
from http.client import HTTPException
from threading import Event, Thread
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from adapters.sandbox.world import World

RETRY_FIRST_S = 1
RETRY_LAST_S = 3600
GIVE_UP_S = 3 * 86_400
"""Stripe tries for three days, ever more rarely; how rarely it does not say."""

POLL_S = 0.2
TIMEOUT_S = 10
MORE_SECRETS = "more_secrets"
"""The setting of the secrets that sign beside the endpoint's own, while it is being replaced."""


def signature(body: bytes, secret: str, at: int, *more: str) -> str:
    """The ``Stripe-Signature`` header of a body sent at an instant: one ``v1`` for each secret.

    Source: https://docs.stripe.com/webhooks#verify-manually
    """
    signed = str(at).encode() + b"." + body
    proofs = (
        hmac.new(each.encode(), signed, hashlib.sha256).hexdigest() for each in (secret, *more)
    )
    return ",".join([f"t={at}", *(f"v1={proof}" for proof in proofs)])


class Deliveries:
    """A thread that delivers what is owed, each until it is answered with 2xx.

    What is due follows the sandbox's clock, which may be set forward. What is signed is the
    time it was not set forward from: who receives it compares with a clock of their own.
    """

    def __init__(self, world: World, url: str, secret: str) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"a webhook goes to an http address, not to {url!r}")
        self._world = world
        self._ledger = world.ledger
        self._url = url
        self._secret = secret
        self._stop = Event()
        self._thread = Thread(target=self._work, name="sandbox webhooks", daemon=True)

    def start(self) -> None:
        """Begin delivering."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the delivery in hand and stop; the rest is owed until the next start."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(TIMEOUT_S + 1)

    def deliver_due(self) -> int:
        """Try everything that is due once; answer how much was taken."""
        with self._ledger.transaction():
            owed = self._ledger.owed(self._world.instant())
        in_order = self._world.chaos.in_order_sent(owed)
        return sum(self._deliver(*each) for each in in_order if not self._stop.is_set())

    def _work(self) -> None:
        while not self._stop.is_set():
            if not self.deliver_due():
                self._stop.wait(POLL_S)

    def _deliver(self, id_: int, event_id: str, attempts: int, since: float) -> bool:
        with self._ledger.transaction():
            event = self._world.need("event", event_id, "id")
            more = self._ledger.setting(MORE_SECRETS, [])
        answer = self._post(json.dumps(event).encode(), more)
        with self._ledger.transaction():
            if 200 <= answer < 300:
                self._ledger.settle(id_)
                self._taken(event_id)
                return True
            now, wait = self._world.instant(), min(RETRY_FIRST_S << min(attempts, 12), RETRY_LAST_S)
            if now + wait > since + GIVE_UP_S:
                self._ledger.settle(id_)
            else:
                self._ledger.owe_again(id_, now + wait, answer)
        return False

    def _taken(self, event_id: str) -> None:
        event = self._world.need("event", event_id, "id") | {"pending_webhooks": 0}
        self._ledger.put("event", event, parent=str(event["data"]["object"].get("id")))
        for tell in self._world.at_delivery:
            tell(event)

    def _post(self, body: bytes, more: Sequence[str]) -> int:
        """The status that came back, 0 where none did."""
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(body, self._secret, int(self._world.clock()), *more),
            "User-Agent": "Stripe/1.0 (sandbox)",
        }
        request = Request(self._url, data=body, headers=headers, method="POST")
        try:
            with _opener.open(request, timeout=TIMEOUT_S) as response:
                return int(response.status)
        except HTTPError as error:
            return error.code
        except (OSError, HTTPException):
            return 0


class _StayHere(HTTPRedirectHandler):
    """Stripe takes a redirect for a failure."""

    def redirect_request(self, *_: Any) -> None:
        """Go nowhere."""


_opener = build_opener(_StayHere())
