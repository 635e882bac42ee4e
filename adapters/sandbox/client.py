"""An HTTP client of the SDK whose requests never leave the process: tests without sockets."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import stripe
from flask import Flask

from adapters.sandbox.app import Sandbox

ORIGIN = "https://api.stripe.com"


class InProcess(stripe.HTTPClient):
    """Hands the SDK's requests straight to a sandbox's door."""

    name = "in-process"

    def __init__(self, app: Flask) -> None:
        super().__init__()
        sandbox: Sandbox = app.extensions["sandbox"]
        self._door = sandbox.door

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        **_: Any,
    ) -> tuple[str, int, Mapping[str, str]]:
        """Carry out one request.

        Raises:
            APIConnectionError: the sandbox was told to let this answer get lost.
        """
        path, _sep, query = url.removeprefix(ORIGIN).partition("?")
        lower = {name.lower(): value for name, value in (headers or {}).items()}
        reply = self._door.answer(method.upper(), unquote(path), query, lower, post_data or "")
        if reply.fate != "sent":
            raise stripe.APIConnectionError("the answer got lost")  # type: ignore[no-untyped-call]
        return reply.body, reply.status, reply.headers

    def close(self) -> None:
        """Nothing to close."""
