"""One request and its answer over HTTP, and how long to wait before the next attempt.

Each request has a connection of its own: an answer that comes late, or twice, can never be taken
for the answer to another request.
"""

import json
import math
import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPMessage
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from cyclebook_client.errors import NoAnswer, Refused

TOO_MANY_REQUESTS = 429
SERVER_ERROR = 500
RETRY_AFTER_MAX_S = 3600.0
"""Nobody is waited for longer than this, whatever ``Retry-After`` says."""


class Later(NoAnswer):
    """No answer, or one that asks for patience. retry_after_s: what it asked for, or 0."""

    def __init__(self, why: str, retry_after_s: float = 0.0) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(why)


class _NoRedirect(HTTPRedirectHandler):
    """A key is never carried to another address, and a POST never becomes a GET."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


class Transport:
    """Speaks to one service with one key. It keeps nothing between requests."""

    def __init__(self, url: str, key: str, timeout_s: float) -> None:
        if urlsplit(url).scheme not in ("http", "https"):
            raise ValueError(f"the url must begin with https:// or http://, not {url!r}")
        self._url = url.rstrip("/")
        self._key = key
        self._timeout_s = timeout_s
        self._opener = build_opener(_NoRedirect)

    def send(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        """Send a request; the JSON of a successful answer.

        Raises:
            Refused: the service understood, and says no. The same again cannot succeed.
            Later: it did not answer, or asks to try again. The same again is safe where the
                request names what it is about.
        """
        content = None if body is None else json.dumps(body).encode()
        request = Request(self._url + path, data=content, method=method)
        request.add_header("Authorization", f"Bearer {self._key}")
        request.add_header("Accept", "application/json")
        if content is not None:
            request.add_header("Content-Type", "application/json")
        for name, text in (headers or {}).items():
            request.add_header(name, text)
        try:
            with self._opener.open(request, timeout=self._timeout_s) as answer:
                return _parsed(answer.read())
        except HTTPError as error:
            with error:
                raise _refusal(error) from None
        except URLError as error:
            raise Later(f"{self._url} does not answer: {error.reason}") from error
        except (HTTPException, OSError) as error:
            raise Later(f"{self._url} did not answer whole: {error!r}") from error


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        raise Later("the answer is not JSON") from None


def _refusal(error: HTTPError) -> Refused | Later:
    """A problem document, or whatever else stands in the way, as one of our errors."""
    status = error.code
    if status == TOO_MANY_REQUESTS or status >= SERVER_ERROR:
        asked = retry_after_s(error.headers.get("Retry-After"), datetime.now(UTC))
        return Later(f"the service answers {status}", asked)
    try:
        problem = json.loads(error.read())
    except (HTTPException, OSError, ValueError):
        problem = None
    if not isinstance(problem, dict):
        problem = {"detail": f"{error.reason}; no problem document came with it"}
    return Refused(status, problem)


def retry_after_s(header: str | None, now: datetime) -> float:
    """Seconds that a ``Retry-After`` asks for: a number of them, or a date. 0: for none.

    >>> noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
    >>> retry_after_s("7", noon), retry_after_s("Mon, 05 Jan 2026 12:00:30 GMT", noon)
    (7.0, 30.0)
    >>> retry_after_s("soon", noon), retry_after_s("nan", noon), retry_after_s("9e9", noon)
    (0.0, 0.0, 3600.0)
    """
    if header is None:
        return 0.0
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(header).astimezone(UTC) - now).total_seconds()
        except ValueError:
            return 0.0
    return 0.0 if math.isnan(seconds) else min(max(seconds, 0.0), RETRY_AFTER_MAX_S)


def jitter_s(attempt: int, first_s: float, most_s: float) -> float:
    """Full jitter: anything up to a bound that doubles with each attempt, from 0."""
    return random.uniform(0.0, min(most_s, first_s * 2.0 ** min(attempt, 32)))
