"""Cells of CSV tables, which no spreadsheet takes for formulas."""

import re

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def guarded(text: str) -> str:
    """What others wrote is text, whatever a spreadsheet would make of it.

    >>> guarded("=1+1"), guarded(" @x"), guarded("web")
    ("'=1+1", "' @x", 'web')
    """
    begins = text.startswith(FORMULA) or text.lstrip().startswith(FORMULA)
    return f"'{text}" if begins else text


def cell(value: object) -> object:
    """A value of any kind: nothing is empty, a number stays one, and text is guarded.

    >>> cell("-12.50"), cell("-1+1"), cell(None), cell(True), cell(-3)
    ('-12.50', "'-1+1", '', 'true', -3)
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    words = isinstance(value, str) and not _NUMBER.fullmatch(value)
    return guarded(str(value)) if words else value
