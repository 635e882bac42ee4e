"""Quantities: exact decimals with at most 12 places and 30 digits."""

import re
from decimal import Context, Decimal, Inexact, InvalidOperation, localcontext
from fractions import Fraction

from domain.errors import InvalidInput

PLACES_MAX = 12
DIGITS_MAX = 30
EXACT = Context(prec=80, traps=[Inexact, InvalidOperation])
"""Adds and scales quantities without ever rounding: eighty digits hold any sum of them."""

_PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_SCALE = Decimal(10) ** PLACES_MAX
_LIMIT = Decimal(10) ** (DIGITS_MAX - PLACES_MAX)


def quantity(text: str, field: str = "value") -> Decimal:
    """Read a quantity: digits with at most one point, and a minus in front where it is negative.

    Raises:
        InvalidInput: not a plain decimal number, or more than 12 places or 30 digits.

    >>> quantity("12.50")
    Decimal('12.50')
    >>> quantity("1e400")
    Traceback (most recent call last):
    ...
    domain.errors.InvalidInput: value must be a plain decimal number such as 12.5
    """
    if not _PLAIN.fullmatch(text):
        raise InvalidInput(f"{field} must be a plain decimal number such as 12.5", field=field)
    value = Decimal(text)
    if not fits(value):
        raise InvalidInput(
            f"{field} must have at most {DIGITS_MAX - PLACES_MAX} digits before the point "
            f"and {PLACES_MAX} after it",
            field=field,
        )
    return value


def meant_as_number(text: str) -> bool:
    """Whether a text can only be a number, though perhaps not one that ``quantity`` takes.

    >>> [meant_as_number(text) for text in ("12.5", "1e400", "1_000", "NaN", "abc")]
    [True, True, True, True, False]
    """
    try:
        Decimal(text)
    except InvalidOperation:
        return False
    return True


def fits(value: Decimal) -> bool:
    """Whether a finite decimal keeps within the bounds of a quantity."""
    if value == 0:
        return value.as_tuple().exponent >= -100  # type: ignore[operator]
    if not -PLACES_MAX <= value.adjusted() < DIGITS_MAX - PLACES_MAX:
        return False
    scaled = EXACT.multiply(value, _SCALE)
    return scaled == scaled.to_integral_value()


def plain(value: Decimal | Fraction | int, places: int = PLACES_MAX) -> str:
    """A number as people write it: no exponent, no trailing zeros.

    A fraction that never ends is cut to ``places``, rounded half away from zero.

    >>> plain(Decimal("1E+3")), plain(Decimal("12.500")), plain(Fraction(1, 3), 4), plain(-0)
    ('1000', '12.5', '0.3333', '0')
    """
    exact = value if isinstance(value, Fraction) else Fraction(value)
    above, below = abs(exact.numerator) * 10**places, exact.denominator
    whole = (2 * above + below) // (2 * below)
    digits = f"{whole:0{places + 1}d}"
    text = digits[: len(digits) - places]
    if places and (tail := digits[-places:].rstrip("0")):
        text += "." + tail
    return f"-{text}" if exact < 0 and whole else text


def total(values: "list[Decimal]") -> Decimal:
    """An exact sum."""
    with localcontext(EXACT):
        return sum(values, Decimal(0))
