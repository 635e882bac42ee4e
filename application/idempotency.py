"""What the ways in need to answer a repeated request as they answered it first."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

ABANDONED_AFTER = timedelta(seconds=60)
"""A claim without an answer this old was left by a process that died."""

KEPT_FOR = timedelta(days=7)
"""How long an answer can be had again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenAnswer:
    """An answer as it was sent."""

    status: int
    body: bytes


class AnswerStore(Protocol):
    """Answers by who asked and with which ``Idempotency-Key``."""

    def claim(self, actor: str, key: str, request: bytes) -> GivenAnswer | None:
        """Begin a request, or get the answer it had.

        request: a hash of what was asked.

        Raises:
            InvalidInput: the key came before with another request.
            RuleViolation: the same request is being answered right now.
        """
        ...

    def keep(self, actor: str, key: str, answer: GivenAnswer) -> None:
        """Remember the answer of a claimed request."""
        ...

    def release(self, actor: str, key: str) -> None:
        """Forget a claim whose request was refused and changed nothing."""
        ...

    def forget_old(self) -> int:
        """Delete what is older than ``KEPT_FOR``; how many."""
        ...
