"""What goes wrong, by what the caller can do about it.

ClientError
├── Refused       the service says no to a whole request; change it, or the key
├── NoAnswer      nobody answers, or not in time; nothing is known: the same again is safe
├── Full          as many records wait as may; slow down
├── Unsent        records that were not sent when the client was closed; it has them
└── ClientClosed  the client was closed before
"""

from collections.abc import Mapping, Sequence
from typing import Any

from cyclebook_client.records import Record


class ClientError(Exception):
    """Base of every error of this client."""


class Refused(ClientError):
    """The service understood a request and refuses it.

    status: of HTTP. problem: the whole answer. code: stable. errors: the fields that cannot be
    used, ``field`` and ``detail`` of each. request_id: what to name when you ask about it.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.problem = problem
        self.code = str(problem.get("code", "error"))
        self.detail = str(problem.get("detail", "no reason was given"))
        self.errors: Sequence[Mapping[str, str]] = problem.get("errors") or ()
        self.request_id: str | None = problem.get("request_id")
        super().__init__(f"{status} {self.code}: {self.detail}")


class NoAnswer(ClientError):
    """Nobody answered in time, or with what is no answer."""


class Full(ClientError):
    """As many records wait to be sent as may; this one was not taken."""


class Unsent(ClientError):
    """The client is closed and these records were not sent, or nobody knows whether they were.

    records: send them again with ``Client.resume``: what did arrive counts once.
    """

    def __init__(self, records: Sequence[Record], why: str) -> None:
        self.records = tuple(records)
        super().__init__(f"{len(self.records)} usage records were not sent: {why}")


class ClientClosed(ClientError):
    """The client is closed; this record was not taken."""
