"""Sharing an amount out so that the parts sum to it exactly."""

from collections.abc import Mapping
from fractions import Fraction
from typing import TypeVar

Key = TypeVar("Key", str, tuple[tuple[str, str], ...])


def largest_remainder(total: int, ratios: Mapping[Key, Fraction], unit: int) -> dict[Key, int]:
    """Whole steps of ``unit``, each part as near to its exact one as the sum allows.

    ratios: by key, summing to one. Among equal remainders the first key gets the step.

    >>> largest_remainder(100, {name: Fraction(1, 3) for name in "abc"}, 1)
    {'a': 34, 'b': 33, 'c': 33}
    """
    exact = {key: ratio * total / unit for key, ratio in ratios.items()}
    floors = {key: value.numerator // value.denominator for key, value in exact.items()}
    left = total // unit - sum(floors.values())
    order = sorted(exact, key=lambda key: (floors[key] - exact[key], key))
    for key in order[:left]:
        floors[key] += 1
    return {key: count * unit for key, count in floors.items()}
