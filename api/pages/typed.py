"""What people type into forms, read as what the API takes: amounts, instants, numbers, choices."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from marshmallow import ValidationError
from werkzeug.datastructures import MultiDict

from api.errors import sentences
from api.instants import format_instant, parse_instant
from api.schemas.fields import Sentence
from domain.errors import InvalidInput
from domain.money import exponent

Choices = Sequence[tuple[str, str]]
"""What can be chosen: each value and how it is called."""

LOCAL = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?", re.ASCII)
PLAIN_NUMBER = re.compile(r"-?\d{1,30}(\.\d{1,30})?", re.ASCII)
BLANKS = " \t\u00a0\u202f"


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One field of a form. name: the API's. kind: one of ``READERS``; ``amounts``,
    each for something; or ``currency``, which is the place's and not asked for.

    choices: what can be chosen, or the name of a list that depends on the place. place: whether
    it names a thing in the address, not in the body.
    """

    name: str
    label: str
    kind: str = "text"
    help: str = ""
    required: bool = False
    choices: Choices | str = ()
    place: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Where:
    """What typed words depend on: the currency of amounts and the zone of instants."""

    currency: str = "usd"
    zone: str = "UTC"


def minor_units(text: str, currency: str) -> int:
    """An amount as people write it, in minor units: exactly, or not at all.

    Raises:
        InvalidInput: it is no number, or finer than the currency.

    >>> minor_units("12.50", "usd"), minor_units("1 200", "jpy"), minor_units("-3", "kwd")
    (1250, 1200, -3000)
    """
    number = "".join(each for each in text if each not in BLANKS).replace("\u2212", "-")
    if not PLAIN_NUMBER.fullmatch(number):
        raise InvalidInput(
            f"write an amount such as {example(currency)}: a point before the decimals, and "
            "nothing between thousands"
        )
    places = exponent(currency)
    amount = Decimal(number).scaleb(places)
    if amount != amount.to_integral_value():
        raise InvalidInput(f"{currency.upper()} has {_decimals(places)}: write {example(currency)}")
    return int(amount)


def example(currency: str) -> str:
    """An amount, to show how it is written.

    >>> example("usd"), example("jpy"), example("kwd")
    ('12.50', '1250', '12.500')
    """
    places = exponent(currency)
    return f"12.5{'0' * (places - 1)}" if places else "1250"


def _decimals(places: int) -> str:
    return f"{places} decimals" if places else "no decimals"


def instant(text: str, zone: str = "UTC") -> datetime:
    """An instant: with a zone, or a day and an hour as clocks in a zone show them.

    Raises:
        InvalidInput: it is none, or clocks there never show it.

    >>> print(instant("2026-01-05T10:00", "Europe/Berlin"), instant("2026-01-05T10:00:00Z"))
    2026-01-05 09:00:00+00:00 2026-01-05 10:00:00+00:00
    """
    if not LOCAL.fullmatch(text):
        try:
            return parse_instant(text)
        except InvalidInput:
            raise InvalidInput("write it as 2026-01-05 10:00, or as 2026-01-05T10:00:00Z") from None
    try:
        naive = datetime.fromisoformat(text)
        at = naive.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    except (ValueError, OverflowError):  # the first and last hours of all are none in UTC
        raise InvalidInput("there is no such day or hour") from None
    if at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != naive:
        raise InvalidInput("clocks there go forward over this hour: choose another one")
    return parse_instant(format_instant(at))


def reason(text: str) -> str:
    """A reason, as long as the API takes one; lines of it become one.

    Raises:
        InvalidInput: there is none, or it is too long.

    >>> reason(" agreed\\r\\n by phone ")
    'agreed by phone'
    """
    if not text.strip():
        raise InvalidInput("say why", field="reason")
    try:
        return Sentence().deserialize(" ".join(text.split()))
    except ValidationError as refusal:
        words = ", ".join(each for _, each in sentences(refusal))
        raise InvalidInput(words, field="reason") from None


def _text(text: str, _: Where) -> str:
    return text


def _prose(text: str, _: Where) -> str:
    """Several lines, however the browser ends them."""
    return text.replace("\r\n", "\n")


def _amount(text: str, where: Where) -> int:
    return minor_units(text, where.currency)


def _instant(text: str, where: Where) -> str:
    return format_instant(instant(text, where.zone))


def _whole(text: str, _: Where) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise InvalidInput("must be a whole number, such as 3")
    return int(text)


def _yes(text: str, _: Where) -> bool:
    return text == "yes"


def _list(text: str, _: Where) -> list[str]:
    return [each for each in re.split(r"[\s,]+", text) if each]


READERS: Mapping[str, Callable[[str, Where], object]] = {
    "text": _text,
    "words": _text,
    "exact": _text,
    "choice": _text,
    "prose": _prose,
    "amount": _amount,
    "instant": _instant,
    "whole": _whole,
    "yes": _yes,
    "list": _list,
}
"""What reads a field of each kind."""


def read(
    fields: Sequence[Field], typed: "MultiDict[str, str]", where: Where
) -> tuple[dict[str, object], dict[str, str]]:
    """What was typed, as the API takes it, and what is wrong by field. Empty ones are left out."""
    values: dict[str, object] = {}
    wrong: dict[str, str] = {}
    for field in fields:
        try:
            if field.kind == "currency":
                values[field.name] = where.currency
            elif field.kind == "amounts":
                values[field.name] = _amounts(field.name, typed, where)
            elif text := typed.get(field.name, "").strip():
                values[field.name] = READERS[field.kind](text, where)
            elif field.required:
                wrong[field.name] = "fill this in, please"
        except InvalidInput as refusal:
            wrong[field.name] = str(refusal)
    return values, wrong


def _amounts(name: str, typed: "MultiDict[str, str]", where: Where) -> dict[str, int]:
    """Amounts by what they are for: fields called ``name:what``; empty ones are left out."""
    found = {}
    for each, text in typed.items():
        before, _, what = each.partition(":")
        if before == name and what and text.strip():
            try:
                found[what] = minor_units(text, where.currency)
            except InvalidInput as refusal:
                raise InvalidInput(f"{what}: {refusal}") from None
    return found
