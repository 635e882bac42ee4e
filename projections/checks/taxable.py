"""Automatic tax the plain way: amounts below zero come off the others, and the total stays."""

from collections.abc import Iterator, Mapping

from domain.line_key import about

CARRIED = "carry/out"

Amounts = dict[str, int]


def without_negative(lines: Mapping[str, int], parts: Mapping[str, Mapping[str, int]]) -> Amounts:
    """Amounts by key without any below zero. parts: what each discount came off which line.

    First each comes off what it was for, then off the others as their keys are ordered, and off
    what is carried only where nothing else is left.
    """
    left = {key: amount for key, amount in lines.items() if amount >= 0}
    theirs = {key for key in left if key.startswith("stripe/")}
    order = sorted(left.keys() - theirs, key=lambda key: (key == CARRIED, key))
    owing = {key: -lines[key] for key in sorted(lines) if lines[key] < 0}
    for key in owing:
        for other, most in _meant(key, owing[key], order, parts):
            _take(left, owing, key, other, most)
    for key in owing:
        for other in order:
            _take(left, owing, key, other, owing[key])
    return left | {key: -rest for key, rest in owing.items() if rest}


def _take(left: Amounts, owing: Amounts, key: str, other: str, most: int) -> None:
    amount = min(left.get(other, 0), owing[key], most)
    left |= {other: left[other] - amount} if amount > 0 else {}
    owing[key] -= max(amount, 0)


def _meant(
    key: str, amount: int, order: list[str], parts: Mapping[str, Mapping[str, int]]
) -> Iterator[tuple[str, int]]:
    kind = key.partition("/")[0]
    if kind in ("waive", "override", "edited"):
        yield from ((other, amount) for other in order if about(kind, other) == key)
    yield from parts.get(key, {}).items()
