"""A request as it came in, and what goes back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Fate = Literal["sent", "lost", "cut"]
"""Whether an answer arrives, is lost with its connection, or is cut in the middle."""


@dataclass(frozen=True, kw_only=True)
class Arrived:
    """A request. endpoint: its method and path without ids, such as ``POST /v1/invoices/{id}``.
    params: brackets unfolded, nothing checked yet. key: the idempotency key, where one counts.
    """

    method: str
    path: str
    endpoint: str
    ids: tuple[str, ...]
    params: Mapping[str, Any]
    key: str | None
    request: str

    @property
    def writes(self) -> bool:
        """Whether it may change something."""
        return self.method != "GET"

    @property
    def objects(self) -> set[str]:
        """The objects that it is about."""
        named = (self.params.get("invoice"), self.params.get("customer"))
        return {*self.ids, *(name for name in named if isinstance(name, str))}


@dataclass(kw_only=True)
class Reply:
    """What goes back."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)
    fate: Fate = "sent"
