"""Searching: what people at a desk are told, and what it belongs to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.identity import parse_cycle_name
from domain.text import written

TEXT_MAX = 200
FOUND_MAX = 20
"""Rows of each kind; whoever sees as many says more of what is sought."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundOrganization:
    """by: what was sought in it: ``id``, ``name``, ``email`` or ``stripe_customer``."""

    id: str
    name: str
    by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundCycle:
    """by: what was sought in it: ``cycle``, ``number`` or ``stripe_invoice``."""

    cycle: str
    organization: str
    status: str
    number: str | None
    stripe_invoice: str | None
    by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundCase:
    """A reported problem, by its id."""

    case: str
    organization: str
    status: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What a text leads to; the closest first, at most ``FOUND_MAX`` of each kind."""

    organizations: tuple[FoundOrganization, ...] = ()
    cycles: tuple[FoundCycle, ...] = ()
    cases: tuple[FoundCase, ...] = ()


class SearchIndex(Protocol):
    """Where things are found. Projections: they may lag behind the log for a moment."""

    def organizations(self, text: str, limit: int) -> Sequence[FoundOrganization]:
        """By id or a part of it, a part of the name, a member's whole address in any case, or
        the customer at Stripe, a former one too; the closest first."""
        ...

    def cycles(self, text: str, organization: str | None, limit: int) -> Sequence[FoundCycle]:
        """By the beginning of a number in any case, by Stripe's id, or by the beginning of a
        cycle's name, where ``organization`` is whose it names; the newest first."""
        ...

    def cases(self, text: str) -> Sequence[FoundCase]:
        """By the whole id."""
        ...


class Search:
    """Finds organizations, cycles and cases by whatever a person has in hand."""

    def __init__(self, index: SearchIndex) -> None:
        self._index = index

    def find(self, text: str, limit: int = FOUND_MAX) -> Found:
        """Everything that a text leads to. limit: rows of each kind.

        Raises:
            InvalidInput: there is no text, or it is too long.
        """
        sought = written(text, "q", TEXT_MAX)
        owner = sought.partition(".")[0] if "." in sought else None
        named = parse_cycle_name(sought)
        return Found(
            organizations=tuple(self._index.organizations(sought, limit)),
            cycles=tuple(self._index.cycles(sought, named[0] if named else owner, limit)),
            cases=tuple(self._index.cases(sought)),
        )
