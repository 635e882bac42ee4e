"""An HTTP client of the SDK whose requests never leave the process: tests without sockets."""

from collections.abc import Mapping
from typing import Any

import stripe
from flask import Flask

from adapters.sandbox.app import SILENCE


class InProcess(stripe.HTTPClient):
    """Hands the SDK's requests straight to the sandbox's Flask app."""

    name = "in-process"

    def __init__(self, app: Flask) -> None:
        super().__init__()
        self._client = app.test_client()

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
        path = url.removeprefix("https://api.stripe.com")
        response = self._client.open(path, method=method, headers=headers, data=post_data)
        if SILENCE in response.headers:
            raise stripe.APIConnectionError("the answer got lost")  # type: ignore[no-untyped-call]
        return response.text, response.status_code, dict(response.headers)

    def close(self) -> None:
        """Nothing to close."""
