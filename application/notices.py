"""Notices: what somebody should be told, once for each occurrence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """Something that happened and that somebody should be told.

    kind: such as ``invoice.issued``. organization: whom it is about. occurrence: what it is told
    once for, such as ``alert.reached/a1/acme.2026-01-01``. at: when it happened. cycle: the
    billing cycle it is about, if any. data: what the kind says about it, fit for JSON; no names
    and no addresses.
    """

    kind: str
    organization: str
    occurrence: str
    at: datetime
    cycle: str | None = None
    data: Mapping[str, object] = field(default_factory=dict)


class Notices(Protocol):
    """Where notices are told."""

    def announce(self, notices: Sequence[Notice]) -> int:
        """Tell these, each occurrence once; how many are new."""
        ...
