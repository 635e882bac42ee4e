"""Which lines of two invoices are for the same thing: by price, else by words and amounts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.invoice import LineItem
from projections.imported_invoice import ImportedLine


@dataclass(frozen=True, slots=True)
class Beside:
    """Lines of both sides that are for the same thing; one side may have none."""

    what: str
    ours: tuple[LineItem, ...]
    theirs: tuple[ImportedLine, ...]


def beside(
    ours: Sequence[LineItem], theirs: Sequence[ImportedLine], prices: Mapping[str, str]
) -> Iterator[Beside]:
    """Every line once.

    Lines of a price that ``prices`` names are taken together, because Stripe may have a line for
    each tier. What is left is paired one to one: same words and amount, same words, same amount.
    """
    named = {line.id: _price_of(line, prices) for line in theirs}
    known = sorted(set(prices.values()))
    for price in known:
        together = Beside(
            price,
            tuple(line for line in ours if _our_price(line) == price),
            tuple(line for line in theirs if named[line.id] == price),
        )
        if together.ours or together.theirs:
            yield together
    rest = [line for line in ours if _our_price(line) not in known]
    yield from _one_to_one(rest, [line for line in theirs if named[line.id] is None])


def _price_of(line: ImportedLine, prices: Mapping[str, str]) -> str | None:
    """Our price of their line: the most exact name that is known counts."""
    names = (line.price, line.product, line.description)
    return next((prices[name] for name in names if name is not None and name in prices), None)


def _our_price(line: LineItem) -> str | None:
    return line.price.partition("@")[0] if line.price else None


def _one_to_one(ours: Sequence[LineItem], theirs: Sequence[ImportedLine]) -> Iterator[Beside]:
    mine, others = list(ours), list(theirs)
    signs: Sequence[Callable[[Any], object]] = (
        lambda line: (_words(line.description), line.amount),
        lambda line: _words(line.description),
        lambda line: line.amount or object(),
    )
    for sign in signs:
        for line in list(mine):
            found = next((each for each in others if sign(each) == sign(line)), None)
            if found is not None:
                mine.remove(line)
                others.remove(found)
                yield Beside(line.description, (line,), (found,))
    yield from (Beside(line.description, (line,), ()) for line in mine)
    yield from (Beside(line.description, (), (line,)) for line in others)


def _words(text: str) -> str:
    """A description without what two programs write differently."""
    return " ".join(text.casefold().split())
