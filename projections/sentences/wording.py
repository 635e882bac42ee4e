"""How sentences write amounts, instants, numbers of things and usage records."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from domain.events.usage import PackedRecord, instant
from domain.money import shown

_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
"""What is told with its unit; what a meter of unique values counts may be any text."""


class Meters(Protocol):
    """What people call meters and quantities."""

    def name(self, meter: str) -> str:
        """What it is called."""
        ...

    def quantity(self, meter: str, value: str) -> str:
        """So much of it, in its unit. value: a plain decimal."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What a sentence needs to know beside its event.

    currency: of amounts; without one they are told in minor units. revision: of the cycle's
    invoice, ``None`` where that is not known. meters: without them usage is told by their ids.
    """

    currency: str = ""
    revision: int | None = None
    meters: Meters | None = None

    def used(self, meter: str, value: str) -> str:
        """So much of a meter. value: as the log keeps it.

        >>> Context().used("cpu", "12.5")
        '12.5 cpu'
        """
        if self.meters is None:
            return f"{value} {meter}"
        amount = self.meters.quantity(meter, value) if _NUMBER.fullmatch(value) else value
        return f"{self.meters.name(meter)}, {amount}"

    def money(self, amount: int) -> str:
        """An amount with its currency. amount: minor units.

        >>> Context(currency="usd").money(310), Context().money(310)
        ('3.10 USD', '310 minor units')
        """
        if not self.currency:
            return f"{amount} minor units"
        return f"{shown(amount, self.currency)} {self.currency.upper()}"

    def signed(self, amount: int) -> str:
        """A difference. amount: minor units.

        >>> Context(currency="usd").signed(310), Context(currency="usd").signed(-310)
        ('+3.10 USD', '-3.10 USD')
        """
        return f"{'+' * (amount > 0)}{self.money(amount)}"


Sentence = Callable[[Any, Context], str]
"""Tells one class of events. It does not end in a full stop."""

Sentences = Mapping[type, Sentence]


def minute(at: datetime) -> str:
    """An instant, to the second only where it is not a full minute."""
    if at.second or at.microsecond:
        return f"{at:%Y-%m-%d %H:%M:%S} UTC"
    return f"{at:%Y-%m-%d %H:%M} UTC"


def counted(number: int, noun: str) -> str:
    """A number of things.

    >>> counted(1, "line"), counted(2, "line")
    ('1 line', '2 lines')
    """
    return f"{number} {noun}{'s' * (number != 1)}"


def listed(names: Iterable[str]) -> str:
    """Some names.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last


def because(reason: str, mark: str = ": ") -> str:
    """A reason at a sentence's end; nothing where there is none."""
    return f"{mark}{reason}" if reason else ""


def in_brackets(reason: str) -> str:
    """A reason in brackets; nothing where there is none."""
    return f" ({reason})" if reason else ""


def measured(record: PackedRecord, context: Context) -> str:
    """What a usage record says, without its name.

    >>> record = PackedRecord("fra-7", "r-17", "cpu", "a1", "12.5", 1_767_607_200_000_000, {})
    >>> measured(record, Context())
    '12.5 cpu of a1 at 2026-01-05 10:00 UTC'
    """
    of = f" of {record.attachment}" if record.attachment else ""
    return f"{context.used(record.meter, record.value)}{of} at {minute(instant(record.at))}"
