"""Unusual lines: those of an invoice that are far from what they were on the ones before."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from urllib.parse import unquote

from domain.events.cycle import UnusualLine
from domain.invoice import LineItem
from domain.money import minimum_charge
from projections.sentences.wording import Context, counted

INVOICES_MIN = 3
"""With fewer to compare with, nothing is unusual."""

INVOICES_MAX = 6
"""Older ones do not count."""

FLOOR = 20
"""A difference below so many times the smallest amount that is charged is never unusual."""

COMPARED = ("usage/", "other/")
"""Lines that follow from usage. Fees follow from what people attach."""

_TO_DEVIATION = Fraction(14826, 10000)
_LEAST_DEVIATION = Fraction(1, 10)
"""Of the median: a line that was always the same may differ a little all the same."""

_VERSION = re.compile(r"@[0-9]+[^/]*")


def unusual(
    lines: Iterable[LineItem],
    past: Sequence[Mapping[str, int]],
    running: Collection[str],
    factor: int,
    currency: str,
) -> tuple[UnusualLine, ...]:
    """The lines that are far from their median on past invoices, by key.

    past: minor units by line key, newest first. running: attachments; the lines of others may
    well have come to nothing. factor: how many deviations are far, a deviation being what these
    lines differ from their median as a rule, and at least a tenth of it.
    """
    now = {each.key: each for each in lines if each.key.startswith(COMPARED)}
    before = [_by_purpose(each) for each in past[:INVOICES_MAX]]
    found = []
    for key, description, amount in _judged(now, past, running):
        values = [each[_purpose(key)] for each in before if _purpose(key) in each]
        if _is_far(amount, values, factor, currency):
            found.append(
                UnusualLine(
                    line=key,
                    description=description,
                    amount=amount,
                    low=min(values),
                    high=max(values),
                    invoices=len(values),
                )
            )
    return tuple(sorted(found))


def words(line: UnusualLine, currency: str) -> str:
    """What is unusual about a line, for people.

    >>> words(UnusualLine("usage/a1/cpu@1", "CPU hours", 91200, 9000, 13000, 4), "usd")
    'CPU hours: 912.00 USD; on the 4 invoices before it was between 90.00 USD and 130.00 USD'
    """
    money = Context(currency=currency).money
    before = f"on the {counted(line.invoices, 'invoice')} before it was"
    span = f"between {money(line.low)} and {money(line.high)}"
    if line.low == line.high:
        span = money(line.low)
    return f"{line.description}: {money(line.amount)}; {before} {span}"


def _judged(
    now: Mapping[str, LineItem], past: Sequence[Mapping[str, int]], running: Collection[str]
) -> Iterator[tuple[str, str, int]]:
    """Key, description and amount of each line, and of those that should be there and are not."""
    for key, line in sorted(now.items()):
        yield key, line.description, line.amount
    here = {_purpose(key) for key in now}
    for key in sorted(past[0]) if past else ():
        attachment = key.split("/")[1] if key.startswith(COMPARED) else ""
        if attachment in running and _purpose(key) not in here:
            yield key, _missing(key), 0


def _missing(key: str) -> str:
    """What to call a line that is not there.

    >>> _missing("usage/web/cpu@1/region=fra")
    'No usage of cpu (web), region=fra'
    """
    _, attachment, price, *group = map(unquote, key.split("/"))
    where = "".join(f", {each}" for each in group)
    return f"No usage of {price.partition('@')[0]} ({attachment}){where}"


def _is_far(amount: int, values: Sequence[int], factor: int, currency: str) -> bool:
    if len(values) < INVOICES_MIN or min(values) <= amount <= max(values):
        return False
    middle = _median([Fraction(each) for each in values])
    usual = _median([abs(each - middle) for each in values]) * _TO_DEVIATION
    away = abs(amount - middle)
    least = FLOOR * minimum_charge(currency)
    return away >= least and away > factor * max(usual, abs(middle) * _LEAST_DEVIATION)


def _median(values: Sequence[Fraction]) -> Fraction:
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _by_purpose(lines: Mapping[str, int]) -> dict[str, int]:
    """Amounts by what a line is for: versions of one price are for the same."""
    found: dict[str, int] = {}
    for key, amount in lines.items():
        found[_purpose(key)] = found.get(_purpose(key), 0) + amount
    return found


def _purpose(key: str) -> str:
    return _VERSION.sub("", key, count=1)
