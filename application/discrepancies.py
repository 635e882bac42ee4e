"""Open discrepancies: everywhere Stripe differs from the books now, and what becomes of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from application.conflicts import Conflicts
from domain.errors import InvalidInput, NotFound

ADOPT, OVERWRITE, DISMISS = "adopt", "overwrite", "dismiss"
WAYS = (ADOPT, OVERWRITE, DISMISS)
"""How a person ends one."""

OF_AMOUNTS = frozenset(
    {"amount", "missing_line", "unexpected_line", "subtotal", "total"}
    | {"missing_invoice", "second_invoice"}
)
"""Kinds whose sides are minor units; a side that is not there is none of it."""

PAGE_MAX = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenDiscrepancy:
    """A way in which Stripe differs from the books. Amounts in minor units of ``currency``.

    id: of it and no other, in any cycle. about: what it is called within its cycle. kind, key:
    as the invoice's proof has them. ours, theirs: both sides as text. cents: theirs less ours,
    ``None`` where it is not about an amount. invoice: Stripe's id. since: when it was recorded
    first. number: by which they are listed.
    """

    id: str
    cycle: str
    organization: str
    currency: str
    kind: str
    key: str
    ours: str
    theirs: str
    cents: int | None
    invoice: str | None
    since: datetime
    number: int

    @property
    def about(self) -> str:
        """What it is called on the invoice's proof."""
        return f"{self.kind}/{self.key}" if self.key else self.kind

    @property
    def booked(self) -> int | None:
        """Our side in minor units; ``None`` where it is not about an amount, or there is none."""
        return int(self.ours) if self.cents is not None and self.ours else None

    @property
    def held(self) -> int | None:
        """Stripe's side in the same way."""
        there = self.cents is not None and self.theirs
        return (self.cents or 0) + (self.booked or 0) if there else None

    @property
    def named(self) -> str:
        """What others called a line that they put there; empty for anything else."""
        return self.theirs.partition(" ")[2] if self.kind == "foreign_line" else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscrepancyFilter:
    """Which discrepancies to list."""

    organization: str | None = None
    cycle: str | None = None
    kind: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscrepancyPage:
    """Some of them, the oldest first. next_cursor: ``after`` of the next page, or ``None``."""

    data: tuple[OpenDiscrepancy, ...]
    next_cursor: int | None


def cents(kind: str, ours: str, theirs: str) -> int | None:
    """Theirs less ours in minor units, ``None`` where a kind is not about an amount.

    >>> cents("amount", "500", "400"), cents("foreign_line", "", "-100 by hand")
    (-100, -100)
    """
    if kind == "foreign_line":  # told with its description
        return int(theirs.partition(" ")[0])
    return int(theirs or 0) - int(ours or 0) if kind in OF_AMOUNTS else None


class DiscrepancyLists(Protocol):
    """Lists of open discrepancies: a projection, which may lag."""

    def list(self, wanted: DiscrepancyFilter, after: int, limit: int) -> Sequence[OpenDiscrepancy]:
        """Open ones after a number, the oldest first."""
        ...

    def get(self, discrepancy: str) -> OpenDiscrepancy | None:
        """An open one."""
        ...


class Discrepancies:
    """Lists what is open, and has a person's decision carried out."""

    def __init__(self, lists: DiscrepancyLists, conflicts: Conflicts) -> None:
        self._lists = lists
        self._conflicts = conflicts

    def list(
        self, wanted: DiscrepancyFilter | None = None, after: int = 0, limit: int = 50
    ) -> DiscrepancyPage:
        """Open discrepancies of all cycles, the oldest first."""
        size = min(limit, PAGE_MAX)
        found = tuple(self._lists.list(wanted or DiscrepancyFilter(), after, size + 1))
        page = found[:size]
        more = len(found) > size
        return DiscrepancyPage(data=page, next_cursor=page[-1].number if more else None)

    def get(self, discrepancy: str) -> OpenDiscrepancy:
        """An open discrepancy.

        Raises:
            NotFound: there is none of this id, or it is over.
        """
        found = self._lists.get(discrepancy)
        if found is None:
            raise NotFound(f"there is no open discrepancy {discrepancy}")
        return found

    def resolve(self, discrepancy: str, how: str, reason: str, *, actor: str) -> OpenDiscrepancy:
        """End one: ``adopt`` it into the books, ``overwrite`` it at Stripe, or ``dismiss`` it.

        The first two are about everything that others did to the cycle's draft, and the draft
        is synced at once.

        Raises:
            NotFound: it is not open.
            InvalidInput: there is no such way.
            RuleViolation: it cannot be ended so; the sentence says how it can be.
            CyclebookError: as ``Conflicts.sync``.
        """
        found = self.get(discrepancy)
        if how not in WAYS:
            raise InvalidInput(f"how must be one of {', '.join(WAYS)}", field="how")
        if how == DISMISS:
            self._conflicts.dismiss(found.cycle, found.about, reason, actor=actor)
            return found
        self._conflicts.decide(found.cycle, how, reason, actor=actor)
        self._conflicts.sync(found.cycle, actor)
        return found
