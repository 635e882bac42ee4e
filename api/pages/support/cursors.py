"""Whole numbers in addresses: where a list goes on. What is no such number counts as none."""

from flask import request

DIGITS_MAX = 18


def cursor(name: str) -> int | None:
    """The number that the address names so."""
    return whole(request.args.get(name, ""))


def whole(text: str) -> int | None:
    """A number that the database can hold.

    >>> whole("17"), whole("-1"), whole("²"), whole("9" * 19)
    (17, None, None, None)
    """
    fits = text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX
    return int(text) if fits else None
