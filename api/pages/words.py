"""How pages write amounts, instants and numbers of things."""

from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from domain.money import shown
from domain.quantity import plain
from projections.meter_words import several_of
from projections.sentences.wording import counted

_SPANS = (("day", 86_400), ("hour", 3_600), ("minute", 60))


def money(amount: int | None, currency: str) -> str:
    """An amount in minor units, with its currency; a dash where there is none.

    >>> money(42279, "usd"), money(-2500, "usd"), money(None, "usd")
    ('422.79 USD', '−25.00 USD', '–')
    """
    if amount is None:
        return "–"
    return f"{'−' * (amount < 0)}{shown(abs(amount), currency)} {currency.upper()}"


def signed(amount: int, currency: str) -> str:
    """A difference.

    >>> signed(310, "usd"), signed(-310, "usd")
    ('+3.10 USD', '−3.10 USD')
    """
    sign = "+" if amount > 0 else "−" if amount < 0 else ""
    return f"{sign}{money(abs(amount), currency)}"


def day(at: datetime, zone: str = "UTC") -> str:
    """A day as people there call it.

    >>> from datetime import UTC
    >>> day(datetime(2026, 1, 31, 23, tzinfo=UTC), "Europe/Berlin")
    '1 February 2026'
    """
    there = at.astimezone(ZoneInfo(zone))
    return f"{there.day} {there:%B %Y}"


def last_day(end: datetime, zone: str = "UTC") -> str:
    """The last day of a period that ends before ``end``.

    >>> from datetime import UTC
    >>> last_day(datetime(2026, 1, 31, 23, tzinfo=UTC), "Europe/Berlin")
    '31 January 2026'
    """
    return day(end - timedelta(microseconds=1), zone)


def minute(at: datetime, zone: str = "UTC") -> str:
    """An instant to the minute, with the zone's name.

    >>> from datetime import UTC
    >>> minute(datetime(2026, 1, 3, 9, 5, tzinfo=UTC), "Europe/Berlin")
    '3 January 2026, 10:05 CET'
    """
    there = at.astimezone(ZoneInfo(zone))
    return f"{there.day} {there:%B %Y, %H:%M %Z}"


def second(at: datetime, zone: str = "UTC") -> str:
    """An instant to the second, with the zone's name.

    >>> from datetime import UTC
    >>> second(datetime(2026, 1, 3, 9, 5, 7, tzinfo=UTC), "Europe/Berlin")
    '3 January 2026, 10:05:07 CET'
    """
    there = at.astimezone(ZoneInfo(zone))
    return f"{there.day} {there:%B %Y, %H:%M:%S %Z}"


def as_typed(at: datetime, zone: str = "UTC") -> str:
    """An instant as people type it into a form.

    >>> from datetime import UTC
    >>> as_typed(datetime(2026, 1, 3, 9, 5, tzinfo=UTC), "Europe/Berlin")
    '2026-01-03 10:05'
    """
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def ago(at: datetime, now: datetime) -> str:
    """How long something has been, or will be.

    >>> from datetime import UTC
    >>> at = datetime(2026, 1, 3, tzinfo=UTC)
    >>> ago(at, at + timedelta(hours=49)), ago(at, at - timedelta(minutes=3)), ago(at, at)
    ('2 days ago', 'in 3 minutes', 'just now')
    """
    seconds = (now - at).total_seconds()
    for noun, span in _SPANS:
        if abs(seconds) >= span:
            number = counted(int(abs(seconds) // span), noun)
            return f"{number} ago" if seconds > 0 else f"in {number}"
    return "just now"


def number(value: Decimal | int | str) -> str:
    """A quantity with its thousands set apart.

    >>> number(Decimal("3481258.50")), number("12.5"), number(Decimal("1E+3"))
    ('3,481,258.5', '12.5', '1,000')
    """
    text = f"{Decimal(value):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def exact(value: Fraction | Decimal | int) -> str:
    """A number exactly, with its thousands set apart; one that never ends is cut and says so.

    >>> exact(Fraction(7200)), exact(Fraction(509, 100)), exact(Fraction(1, 3))
    ('7,200', '5.09', '0.333333…')
    """
    text = plain(value)
    whole, point, part = text.partition(".")
    sign, digits = ("−", whole[1:]) if whole.startswith("-") else ("", whole)
    if Fraction(text) != value:
        part = part[:6] + "…"
    return f"{sign}{int(digits):,}{point}{part}"


def unit_of(unit: str, value: Fraction | Decimal | int | None) -> str:
    """A unit as it stands behind a quantity.

    >>> unit_of("deploy", 124), unit_of("deploy", 1), unit_of("GB", 2)
    ('deploys', 'deploy', 'GB')
    """
    return unit if value == 1 else several_of(unit)


FILTERS = {
    "money": money,
    "signed": signed,
    "day": day,
    "last_day": last_day,
    "minute": minute,
    "second": second,
    "as_typed": as_typed,
    "number": number,
    "exact": exact,
    "counted": counted,
    "unit_of": unit_of,
}
"""What templates call them."""
