"""An invoice by service: what each costs, in lines without what the heading says already."""

from collections.abc import Iterable
from dataclasses import dataclass

from api.pages.words import number
from domain.invoice import LineItem
from domain.quantity import plain

BY_HAND = "Everything else"
"""What belongs to no service: items, credits, amounts of other invoices."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownLine:
    """One line. words: for people. amount: minor units."""

    key: str
    words: str
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
            ShownLine(key=line.key, words=_words(line, name), amount=line.amount) for line in lines
        ),
    )


def described(line: LineItem) -> str:
    """A line's description, with its quantity as people read it."""
    measured = f"{plain(line.quantity)} {line.unit}"
    if line.unit is None or not line.description.endswith(measured):
        return line.description
    before = line.description.removesuffix(measured)
    return f"{before}{number(plain(line.quantity))} {line.unit}"


def _words(line: LineItem, name: str) -> str:
    """A line's description without the service's name, where its heading says that."""
    said, _ = _parted(line)
    return described(line).removeprefix(f"{said}: ") if said and said == name else described(line)


def _parted(line: LineItem) -> tuple[str, str]:
    """The service's name in a description, ``Machine (web)``, and the rest; empty without one."""
    name, mark, rest = line.description.partition(": ")
    if line.attachment and mark and rest and name.endswith(f"({line.attachment})"):
        return name, rest
    return "", line.description
