"""The sandbox's webhooks: signed as Stripe signs, and sent again until they are taken."""

import hashlib
import hmac
import json
import time
from threading import Event, Thread
from urllib.error import URLError
from urllib.request import Request, urlopen

from adapters.sandbox.ledger import Ledger, Thing

RETRY_FIRST_S = 1
RETRY_LAST_S = 60
ATTEMPTS_MAX = 200
POLL_S = 0.2
TIMEOUT_S = 10


def signature(body: bytes, secret: str, at: int) -> str:
    """The ``Stripe-Signature`` header of a body sent at an instant.

    Source: https://docs.stripe.com/webhooks#verify-manually
    """
    signed = str(at).encode() + b"." + body
    return f"t={at},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


class Deliveries:
    """A thread that delivers what is owed, oldest first, each until it is answered with 2xx."""

    def __init__(self, ledger: Ledger, url: str, secret: str) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"a webhook goes to an http address, not to {url!r}")
        self._ledger = ledger
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
            due = [
                (event_id, self._ledger.get("event", event_id), attempts)
                for event_id, attempts in self._ledger.deliveries(time.time())
            ]
        return sum(self._deliver(*each) for each in due)

    def _work(self) -> None:
        while not self._stop.is_set():
            if not self.deliver_due():
                self._stop.wait(POLL_S)

    def _deliver(self, event_id: str, event: Thing | None, attempts: int) -> bool:
        taken = event is None or self._post(json.dumps(event).encode())
        with self._ledger.transaction():
            if taken or attempts + 1 >= ATTEMPTS_MAX:
                self._ledger.delivered(event_id)
            else:
                wait = min(RETRY_FIRST_S << min(attempts, 6), RETRY_LAST_S)
                self._ledger.owe_delivery(event_id, attempts + 1, time.time() + wait)
        return taken

    def _post(self, body: bytes) -> bool:
        """Whether the endpoint took it."""
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(body, self._secret, int(time.time())),
            "User-Agent": "Stripe/1.0 (sandbox)",
        }
        request = Request(self._url, data=body, headers=headers, method="POST")
        try:
            with urlopen(request, timeout=TIMEOUT_S) as response:
                return bool(200 <= response.status < 300)
        except (URLError, OSError):
            return False
