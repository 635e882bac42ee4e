"""The demo's way to the API: the same HTTP that customers' systems speak."""

import time
from typing import Any, Self

import requests

from api.settings import Settings

ATTEMPTS_MAX = 8
PAUSE_S = 0.5
ANSWER_MAX_S = 60
EVERYWHERE = ("0.0.0.0", "::")


LATER = (requests.codes.too_many_requests, requests.codes.service_unavailable)


class Refused(Exception):
    """The API answered with an error."""


class Client:
    """Speaks to the API with one key. What is refused for now is sent again."""

    def __init__(self, base: str, key: str) -> None:
        self._base = base
        self._session = requests.Session()
        self._session.trust_env = False  # the API is on this machine: never through a proxy
        self._session.headers["Authorization"] = f"Bearer {key}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request; its JSON answer.

        Raises:
            Refused: it was answered with an error, or nobody answers.
        """
        for attempt in range(1, ATTEMPTS_MAX + 1):
            answer = self._session.request(
                method, f"{self._base}{path}", json=body, timeout=ANSWER_MAX_S
            )
            if answer.status_code not in LATER:
                break
            time.sleep(PAUSE_S * attempt)
        if not answer.ok:
            raise Refused(f"{method} {path}: {answer.status_code} {answer.text.strip()}")
        return answer.json()


def base_url(settings: Settings) -> str:
    """Where the API answers on this machine."""
    host = "127.0.0.1" if settings.host in EVERYWHERE else settings.host
    return f"http://{host}:{settings.port}"
