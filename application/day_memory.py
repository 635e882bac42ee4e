"""What days of cycles came to, kept in memory: days that are over are not rated again."""

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

from domain.tally import Tallies

NAMES_MAX = 500

Kept = TypeVar("Kept")

Amounts = Mapping[str, int]
"""Minor units by attachment; under no name what belongs to none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Remembered:
    """A cycle's days at one moment. facts: all but usage that the amounts follow from.

    version: of the cycle's last event then. amounts: what the cycle had come to by the end of
    each whole day.
    """

    facts: Hashable
    version: int
    usage: Sequence[Tallies]
    amounts: Sequence[Amounts]

    def still_good(self, usage: Sequence[Tallies]) -> Sequence[Amounts]:
        """Amounts of the first days, up to one whose usage is another now."""
        same = 0
        for mine, theirs in zip(self.usage, usage, strict=False):
            if mine != theirs:
                break
            same += 1
        return self.amounts[:same]


class Memory(Generic[Kept]):
    """Remembers one thing for each name, within this process. Any number of threads may ask."""

    def __init__(self, most: int = NAMES_MAX) -> None:
        self._known: OrderedDict[str, Kept] = OrderedDict()
        self._most = most
        self._lock = Lock()

    def get(self, name: str) -> Kept | None:
        """What is remembered of a cycle, or of an organization."""
        with self._lock:
            found = self._known.get(name)
            if found is not None:
                self._known.move_to_end(name)
            return found

    def put(self, name: str, kept: Kept) -> None:
        """Remember it as it is now; whatever was not asked for longest is forgotten."""
        with self._lock:
            self._known[name] = kept
            self._known.move_to_end(name)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
