"""The chain over what is recorded: what the ways in and the worker need of it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from projections.chain import Damage, Head


class Chain(Protocol):
    """Links every event of the log to all before it, and finds where that does not hold."""

    def step(self) -> bool:
        """Link the next page of the log; whether there may be more at once."""
        ...

    def head(self, organization: str) -> Head:
        """Where an organization's chain stands, or the catalog's where the name is empty.

        One without an event yet has position 0.
        """
        ...

    def names(self) -> Sequence[str]:
        """Of all chains."""
        ...

    def verify(
        self, organization: str | None, published: Mapping[str, Sequence[Head]]
    ) -> Iterator[Damage]:
        """Compare an organization's chain, or all, with the log; see ``cyclebook verify --chain``.

        published: heads that others kept, by organization.

        Raises:
            NotFound: there is no such chain.
        """
        ...
