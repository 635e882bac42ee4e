"""What people call meters and quantities: as the lines of their invoices do, never by an id."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from domain.billing_cycle import BillingCycle
from domain.catalog import Catalog
from domain.quantity import plain
from projections.sentences.wording import listed

NAMED_MAX = 2
"""A meter that more prices than these count by is called by its id."""

PLACES = 2
SMALL_PLACES = 6
"""Decimals that are shown, of quantities from 1 on and of smaller ones."""

_WORD = re.compile(r"[a-z]{3,}")
_HISS = ("s", "x", "z", "ch", "sh")
_SYMBOLS = ("ib", "bit", "hertz", "percent")
"""Endings of units that are no words of which there are several: ``gib``, ``kbit``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MeterWords:
    """names: what the lines call a meter. units: of its quantities."""

    names: Mapping[str, str]
    units: Mapping[str, str]

    def name(self, meter: str) -> str:
        """What it is called; its id with blanks where no line is about it.

        >>> words = MeterWords(names={"cpu_seconds": "CPU hours"}, units={})
        >>> words.name("cpu_seconds"), words.name("active_users")
        ('CPU hours', 'Active users')
        """
        return self.names.get(meter) or _spoken(meter)

    def quantity(self, meter: str, value: str) -> str:
        """So much of it, in its unit. value: a plain decimal."""
        return quantity_words(Decimal(value), self.units.get(meter))


def meter_words(cycles: Iterable[BillingCycle], catalog: Catalog) -> MeterWords:
    """The words for meters where these cycles are billed."""
    attachments = (each for cycle in cycles for each in cycle.attachments.values())
    return words_at(
        (ref for each in attachments for run in each.runs for ref in run.prices), catalog
    )


def words_at(prices: Iterable[str], catalog: Catalog) -> MeterWords:
    """The words for meters at these versions of prices: the names of those that count by them.

    One name for several meters says which of them is meant.
    """
    found: dict[str, set[str]] = {}
    for price in (catalog.book[ref] for ref in prices):
        if price.meter is not None:
            found.setdefault(price.meter, set()).add(price.name)
    names = {
        meter: listed(sorted(of)) if len(of) <= NAMED_MAX else _spoken(meter)
        for meter, of in found.items()
    }
    several = [*names.values()]
    return MeterWords(
        names={
            meter: name if several.count(name) == 1 else f"{name} ({_spoken(meter)})"
            for meter, name in names.items()
        },
        units={meter: versions[-1].unit for meter, versions in catalog.meters.items()},
    )


def quantity_words(value: Decimal | Fraction, unit: str | None) -> str:
    """A quantity for people, cut to a few decimals, with its unit.

    >>> quantity_words(Decimal("3442736"), "second"), quantity_words(Decimal(1), "user")
    ('3,442,736 seconds', '1 user')
    >>> quantity_words(Decimal("198257589.635984"), "GiB-second")
    '198,257,589.64 GiB-seconds'
    >>> quantity_words(Decimal("0.0004"), "GB"), quantity_words(Decimal(3), None)
    ('0.0004 GB', '3')
    """
    exact = Decimal(plain(value))
    rounded = round(exact, PLACES if abs(exact) >= 1 else SMALL_PLACES)
    text = f"{rounded:,f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    if unit is None:
        return text
    return f"{text} {unit if exact == 1 else several_of(unit)}"


def several_of(unit: str) -> str:
    """A unit in the plural, where it is a word that has one.

    >>> [several_of(unit) for unit in ("second", "GiB-second", "GB", "query", "batch", "tokens")]
    ['seconds', 'GiB-seconds', 'GB', 'queries', 'batches', 'tokens']
    """
    last = re.split(r"[^A-Za-z]", unit)[-1]
    if not _WORD.fullmatch(last) or last.endswith(("s", *_SYMBOLS)):
        return unit
    if last.endswith("y") and last[-2] not in "aeiou":
        return f"{unit[:-1]}ies"
    return f"{unit}{'es' if last.endswith(_HISS) else 's'}"


def _spoken(meter: str) -> str:
    words = meter.replace("_", " ")
    return words[:1].upper() + words[1:]
