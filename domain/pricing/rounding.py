"""Rounding a quantity to whole units or packages."""

from fractions import Fraction
from math import ceil, floor

HALF = Fraction(1, 2)


def whole(number: Fraction, how: str) -> Fraction:
    """A number as ``how`` says: ``up``, ``down``, ``half_up``; anything else leaves it exact.

    >>> [int(whole(Fraction("2.5"), how)) for how in ("up", "down", "half_up")]
    [3, 2, 3]
    >>> whole(Fraction("2.5"), "none"), whole(Fraction("2.5"), "exact")
    (Fraction(5, 2), Fraction(5, 2))
    """
    match how:
        case "up":
            return Fraction(ceil(number))
        case "down":
            return Fraction(floor(number))
        case "half_up":
            return Fraction(floor(number + HALF))
    return number
