"""What the work at hand is about, for the log: a request, a cycle, an organization."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

NOTHING: Mapping[str, str] = {}
_FACTS: ContextVar[Mapping[str, str]] = ContextVar("facts", default=NOTHING)


@contextmanager
def about(**facts: str | None) -> Iterator[None]:
    """Whatever is logged in the block is about these; what is ``None`` is left out.

    >>> begin()
    >>> with about(cycle="acme.2026-01-01"):
    ...     dict(facts())
    {'cycle': 'acme.2026-01-01'}
    """
    token = _FACTS.set({**_FACTS.get(), **_known(facts)})
    try:
        yield
    finally:
        _FACTS.reset(token)


def begin(**facts: str | None) -> None:
    """From here on the work of this thread is about these, and nothing of before."""
    _FACTS.set(_known(facts))


def note(**facts: str | None) -> None:
    """Add what turned out in between, such as the id of a request to Stripe.

    What is ``None`` is known no more.
    """
    _FACTS.set(_known({**_FACTS.get(), **facts}))


def facts() -> Mapping[str, str]:
    """What is known now."""
    return _FACTS.get()


def _known(given: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in given.items() if value is not None}
