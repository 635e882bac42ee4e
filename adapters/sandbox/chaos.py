"""What befalls events on their way out: copies, delays, loss, and news that is old already."""

from dataclasses import dataclass, field, fields
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Fate:
    """What becomes of one event. delays_s: one for each copy of its delivery; none if lost."""

    made: bool
    stale: bool
    delays_s: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Chaos:
    """How likely is what, from 0 to 1; drawn from ``seed``, so it can be had again.

    copies: how often each event is delivered beyond once. Each delivery waits between
    ``delay_s`` and ``delay_up_to_s``, so a wide span is also disorder. shuffled: what is due is
    sent in any order. lost: made and listed, never delivered. unmade: not even listed.
    stale: it carries what the event before it said of the same object.
    """

    seed: int = 0
    copies: int = 0
    delay_s: float = 0
    delay_up_to_s: float = 0
    shuffled: bool = False
    lost: float = 0
    unmade: float = 0
    stale: float = 0
    _random: Random = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        chances = (self.lost, self.unmade, self.stale)
        if not all(0 <= chance <= 1 for chance in chances):
            raise ValueError("lost, unmade and stale are chances between 0 and 1")
        if self.copies < 0 or self.delay_s < 0:
            raise ValueError("copies and delay_s are not below zero")
        object.__setattr__(self, "_random", Random(self.seed))

    def settings(self) -> dict[str, Any]:
        """Its fields, to make the same again."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.init}

    def fate(self) -> Fate:
        """Draw what becomes of the next event."""
        unmade, lost, stale = (self._strikes(each) for each in (self.unmade, self.lost, self.stale))
        deliveries = 0 if lost else 1 + self.copies
        delays = tuple(self._delay() for _ in range(deliveries))
        return Fate(made=not unmade, stale=stale, delays_s=delays)

    def in_order_sent(self, due: list[T]) -> list[T]:
        """What is due, in the order it goes out."""
        return self._random.sample(due, len(due)) if self.shuffled else due

    def _strikes(self, chance: float) -> bool:
        return chance > 0 and self._random.random() < chance

    def _delay(self) -> float:
        return self._random.uniform(self.delay_s, max(self.delay_s, self.delay_up_to_s))
