"""Line keys: what an invoice line is for, as a short path that never changes."""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote

LENGTH_MAX = 400
"""Stripe's metadata values hold 500 characters; the rest is room for a prefix."""


def line_key(kind: str, *parts: str, group: Mapping[str, str] | None = None) -> str:
    """Join percent-encoded parts; a key that would be too long ends in a hash of its tail.

    >>> line_key("usage", "a1", "cpu@1", group={"region": "fra"})
    'usage/a1/cpu@1/region=fra'
    """
    pieces = [kind, *map(_quoted, parts)]
    pieces += [f"{quote(name)}={quote(value)}" for name, value in sorted((group or {}).items())]
    return _bounded("/".join(pieces))


@lru_cache(maxsize=10_000)
def _quoted(part: str) -> str:
    """Ids and refs come again and again, on the path of every line."""
    return quote(part, safe="@")


def about(kind: str, line: str) -> str:
    """The key of a line that changes another one, whose key it contains.

    >>> about("waive", "usage/a1/cpu@1")
    'waive/usage/a1/cpu@1'
    """
    return _bounded(f"{kind}/{line}")


def strange_key(line: str) -> str:
    """The key of a line that others put on the draft at Stripe, by Stripe's id of it.

    >>> strange_key("il_1Abc")
    'stripe/il_1Abc'
    """
    return line_key("stripe", line)


def is_strange(key: str) -> bool:
    """Whether a key is of a line that others put on a draft."""
    return key.startswith("stripe/")


def _bounded(key: str) -> str:
    if len(key) <= LENGTH_MAX:
        return key
    tail = hashlib.blake2b(key[LENGTH_MAX - 33 :].encode(), digest_size=16).hexdigest()
    return key[: LENGTH_MAX - 33] + "~" + tail
