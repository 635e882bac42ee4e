"""An invoice by service: what each costs, in lines without what the heading says already."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from api.pages.words import day
from application.views import LineDelta
from domain.invoice import LineItem
from projections.meter_words import quantity_words

BY_HAND = "Everything else"
"""What belongs to no service: items, credits, amounts of other invoices."""

_LATE = re.compile(r"Late for (?P<begun>\d{4}-\d\d-\d\d): (?P<what>.*)", re.ASCII)
_MEASURED = re.compile(r"(?P<before>.*, )(?P<value>-?\d+(?:\.\d+)?) (?P<unit>\S.*)", re.ASCII)
"""How rating describes late and metered lines (domain/rating/late.py, metered.py)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownLine:
    """One line. words: for people. exact: its quantity, where the words cut that; else empty.

    amount: minor units.
    """

    key: str
    words: str
    exact: str
    amount: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceCost:
    """What one service comes to, in minor units. attachment: empty for what belongs to none."""

    attachment: str
    name: str
    amount: int
    lines: tuple[ShownLine, ...]


def by_service(lines: Iterable[LineItem]) -> tuple[ServiceCost, ...]:
    """Lines by what they are for; the dearest service first, what belongs to none last."""
    found: dict[str, list[LineItem]] = {}
    for line in lines:
        found.setdefault(line.attachment or "", []).append(line)
    costs = [_cost(attachment, each) for attachment, each in found.items()]
    return tuple(sorted(costs, key=lambda c: (not c.attachment, -c.amount, c.attachment)))


def _cost(attachment: str, lines: list[LineItem]) -> ServiceCost:
    names = [name for name, _ in (_parted(line) for line in lines) if name]
    name = names[0] if names else attachment
    return ServiceCost(
        attachment=attachment,
        name=name if attachment else BY_HAND,
        amount=sum(line.amount for line in lines),
        lines=tuple(
            ShownLine(
                key=line.key, words=_words(line, name), exact=exact_of(line), amount=line.amount
            )
            for line in lines
        ),
    )


def described(line: LineItem) -> str:
    """A line's description with quantities and days as people read them: only pages write it so,
    the invoice itself keeps its own."""
    late = _LATE.fullmatch(line.description) if line.kind == "late" else None
    if late is None:
        return _readable(line.description, line.unit) if line.unit else line.description
    begun = datetime.fromisoformat(late["begun"]).replace(tzinfo=UTC)
    all_of_it = _readable(late["what"], None, "now {} in all")
    return f"From the period that began on {day(begun)}: {all_of_it}"


def delta_described(line: LineDelta) -> str:
    """The same of a line that would be another."""
    return _readable(line.description, None) if line.key.startswith("usage/") else line.description


def exact_of(line: LineItem) -> str:
    """A line's quantity to the last digit, where its words may leave some out; else empty."""
    measured = _measured(line.description, line.unit)
    if measured is None or (line.unit is None and line.kind != "late"):
        return ""
    return f"{measured['value']} {measured['unit']}"


def _readable(text: str, unit: str | None, said: str = "{}") -> str:
    """A description whose quantity at the end has its thousands set apart, and few decimals.

    said: how the quantity is told. A late line's is all that is known now; its amount is not.
    """
    measured = _measured(text, unit)
    if measured is None:
        return text
    words = quantity_words(Decimal(measured["value"]), measured["unit"])
    return f"{measured['before']}{said.format(words)}"


def _measured(text: str, unit: str | None) -> re.Match[str] | None:
    """The quantity that a description ends with. unit: ``None`` where any is taken for one."""
    found = _MEASURED.fullmatch(text)
    return found if found and unit in (None, found["unit"]) else None


def _words(line: LineItem, name: str) -> str:
    """A line's description without the service's name, where its heading says that."""
    said, _ = _parted(line)
    text = described(line)
    if line.kind == "late":
        return text.replace(f": {name}: ", ": ", 1)
    return text.removeprefix(f"{said}: ") if said and said == name else text


def _parted(line: LineItem) -> tuple[str, str]:
    """The service's name in a description, ``Machine (web)``, and the rest; empty without one."""
    name, mark, rest = line.description.partition(": ")
    if line.attachment and mark and rest and name.endswith(f"({line.attachment})"):
        return name, rest
    return "", line.description
