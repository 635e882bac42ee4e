"""An HTTP client for Stripe's SDK that asks before each request, and tells what became of it."""

import random
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

import stripe

from adapters.stripe.errors import REPLAYED, SHOULD_RETRY, header, other_mode
from application.about import note
from application.pacer import Leave, Pacer
from application.pacing import SECOND, Outcome

REQUEST_ID = "request-id"
LIMITED_BY = "stripe-rate-limited-reason"
RETRIES = 2
FIRST_PAUSE = SECOND // 2
RETRY_WITHIN_S = 5
"""A call that took so long already is not sent again at once: somebody waits for it."""

_SPACES = ("billing_portal", "tax", "test_helpers", "billing")
_WORDS = ("search", "preview", "create_preview")

Response = tuple[Any, int, Mapping[str, str]]


class Sender(Protocol):
    """What carries a request out: any HTTP client of the SDK."""

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> Response:
        """Send a request once."""
        ...

    def close(self) -> None:
        """Give connections back."""
        ...


class PacedClient(stripe.HTTPClient):
    """Sends through another client, as fast as Stripe can take it.

    A request that met a passing trouble is sent again under the same key, after a pause left to
    chance, unless Stripe advises against it; ``retries`` times at most, and never one that takes
    no key. What it meets after that is for the caller.

    sleep: waits for so many microseconds. chance: up to how many of so many.
    """

    name = "paced"

    def __init__(
        self,
        inner: Sender,
        pacer: Pacer,
        *,
        retries: int = RETRIES,
        sleep: Callable[[int], None] | None = None,
        chance: Callable[[int], int] = random.randrange,
    ) -> None:
        super().__init__()
        self._inner = inner
        self._pacer = pacer
        self._retries = retries
        self._sleep = sleep or sleep_for
        self._chance = chance

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        **_: Any,
    ) -> Response:
        """Carry out one request.

        Raises:
            GatewayBusy, GatewayUnavailable, GatewayMisconfigured: it was not sent.
            APIConnectionError: it was, and there was no answer.
        """
        endpoint, started = endpoint_of(method, url), time.monotonic()
        for number in range(self._retries + 1):
            note(stripe_request=None)  # until there is an answer, no other call's
            leave = self._pacer.take(endpoint)
            last = number == self._retries or time.monotonic() - started > RETRY_WITHIN_S
            response = self._once(leave, method, url, headers, post_data)
            if not isinstance(response, stripe.APIConnectionError):
                if last or not _is_worth_another(method, response):
                    return response
            elif last or not (response.should_retry and method.lower() != "delete"):
                raise response
            self._sleep(self._chance(FIRST_PAUSE << number))
        raise AssertionError("the last try returns or raises")

    def close(self) -> None:
        """Give connections back."""
        self._inner.close()

    def _once(
        self, leave: Leave, method: str, url: str, headers: Mapping[str, str] | None, data: Any
    ) -> Response | stripe.APIConnectionError:
        try:
            response = self._inner.request(method, url, headers, data)
        except stripe.APIConnectionError as error:
            self._pacer.tell(leave, Outcome.FAILED, "no answer")
            return error
        note(stripe_request=header(response[2], REQUEST_ID))
        self._pacer.tell(leave, *outcome(response))
        return response


def outcome(response: Response) -> tuple[Outcome, str]:
    """What an answer says of Stripe, and in which words.

    Source: https://docs.stripe.com/rate-limits
    """
    body, status, headers = response
    if status >= 500 and header(headers, REPLAYED) != "true":
        return Outcome.FAILED, f"it answers {status}"
    text = _text(body)
    if status == 401:
        words = "Stripe does not take our key: set STRIPE_API_KEY anew, and start again"
        return Outcome.KEY_REFUSED, words
    if status == 429:
        return _limited(header(headers, LIMITED_BY), text), ""
    if status == 404 and (mixed := other_mode(text)):
        return Outcome.FAILED, mixed
    if not text.lstrip().startswith("{"):
        return Outcome.FAILED, "what answers in its place is not Stripe"
    return Outcome.ANSWERED, ""


def _limited(why: str | None, text: str) -> Outcome:
    """Whose budget was used up. A locked or busy object says nothing about any."""
    if why == "resource-specific" or (why is None and "lock_timeout" in text):
        return Outcome.ANSWERED
    account = why is not None and why.startswith("global")
    return Outcome.ACCOUNT_LIMITED if account else Outcome.ENDPOINT_LIMITED


def endpoint_of(method: str, url: str) -> str:
    """What Stripe limits together: a method and an address, whatever the ids in it.

    >>> endpoint_of("post", "https://api.stripe.com/v1/invoices/in_1/add_lines")
    'POST /v1/invoices/{id}/add_lines'
    >>> endpoint_of("get", "/v1/credit_notes/preview?x=1"), endpoint_of("get", "/v1/products/own")
    ('GET /v1/credit_notes/preview', 'GET /v1/products/{id}')
    """
    version, *parts = urlsplit(url).path.strip("/").split("/")
    start = 1 if parts and parts[0] in _SPACES else 0
    for place in range(start + 1, len(parts), 2):
        if parts[place] not in _WORDS:
            parts[place] = "{id}"
    return f"{method.upper()} /{'/'.join([version, *parts])}"


def sleep_for(span: int) -> None:
    """Wait for so many microseconds."""
    time.sleep(span / SECOND)


def _is_worth_another(method: str, response: Response) -> bool:
    """Whether the same request, under the same key, may meet something better in a moment."""
    _, status, headers = response
    advice = header(headers, SHOULD_RETRY)
    if method.lower() == "delete" or advice == "false":
        return False
    passing = status in (409, 429) or (status >= 500 and header(headers, REPLAYED) != "true")
    return advice == "true" or passing


def _text(body: Any) -> str:
    return body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
