"""Savings tips: which are worth telling, and how they are told."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date

from projections.sentences.wording import Context

UNUSED_DAYS = 30
MONTHS_A_YEAR = 12


def last_used(days: Iterable[tuple[date, Collection[str]]]) -> dict[str, date]:
    """The last day on which each attachment had usage. days: each with the attachments used."""
    found: dict[str, date] = {}
    for day, attachments in days:
        for each in attachments:
            found[each] = max(found.get(each, day), day)
    return found


def monthly(savings: Sequence[int]) -> int:
    """What some cycles would have saved on average, in whole minor units, never rounded up."""
    return sum(savings) // len(savings) if savings else 0


def comparable(mine: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether a service counts the same usage as another, at prices of its own.

    mine, other: the price's id by meter. One that shares a price is no other offer for the same
    thing but another thing, such as a larger machine.
    """
    return bool(mine) and mine.keys() == other.keys() and not set(mine.values()) & {*other.values()}


def unused_words(name: str, attachment: str, used: date | None, saved: int, money: str) -> str:
    """Something that runs and that nobody uses. saved: minor units of ``money``, a currency."""
    when = f"since {used}" if used else f"in the last {UNUSED_DAYS} days"
    amount = Context(currency=money).money(saved)
    what = f"{name} ({attachment}) had no usage {when}"
    return f"{what}. Without it you would pay {amount} a month less."


def cheaper_words(name: str, attachment: str, other: str, saved: int, money: str) -> str:
    """Another offer for the same usage."""
    amount = Context(currency=money).money(saved)
    return (
        f"With the usage of {name} ({attachment}) so far, {other} would cost {amount} a month less."
    )


def minimum_words(price: str, attachment: str, saved: int, money: str) -> str:
    """A commitment that is never reached."""
    amount = Context(currency=money).money(saved)
    return (
        f"{price} ({attachment}) stays at least {amount} a month below its minimum. "
        "Ask for a smaller commitment."
    )


def compared(cycles: Sequence[str]) -> str:
    """What a saving was computed from."""
    return f"Rated again, by the prices in force: {', '.join(cycles)}."
