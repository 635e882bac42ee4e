"""Short texts that people write: one line of printable characters, bounded."""

import unicodedata

from domain.errors import InvalidInput

DESCRIPTION_MAX = 500
"""Stripe's own limit of a line's description."""

_BREAKS = frozenset({"Cc", "Cs", "Zl", "Zp"})


def one_line(text: str) -> bool:
    """Whether a text has no control characters, line breaks or broken surrogates.

    >>> one_line("Größe 1\u00a0GB"), one_line("two\\nlines"), one_line("nul\\0")
    (True, False, False)
    """
    if text.isascii() and text.isprintable():  # nearly always, on the path of every line
        return True
    return not any(unicodedata.category(character) in _BREAKS for character in text)


def written(text: str, field: str, longest: int) -> str:
    """A text as a person wrote it, without the blanks around it.

    Raises:
        InvalidInput: empty, too long, or more than one line.

    >>> written(" Set-up ", "description", 500)
    'Set-up'
    """
    text = text.strip()
    if not 0 < len(text) <= longest or not one_line(text):
        raise InvalidInput(f"{field} must be one line of 1 to {longest} characters", field=field)
    return text


def prose(text: str, field: str, longest: int) -> str:
    """A text of any number of lines, just as a person wrote it.

    Raises:
        InvalidInput: blank, too long, or with other control characters than line breaks and tabs.

    >>> prose("two\\nlines", "text", 500)
    'two\\nlines'
    """
    control = any(
        unicodedata.category(each) in ("Cc", "Cs") and each not in "\n\r\t" for each in text
    )
    if not text.strip() or len(text) > longest or control:
        raise InvalidInput(
            f"{field} must be a text of 1 to {longest} characters, without control characters",
            field=field,
        )
    return text


def shortened(text: str) -> str:
    """A line's description as Stripe keeps it and gives it back.

    It may quote what a usage record brought along, so control characters become blanks.

    >>> shortened("region a\\nb "), len(shortened("x" * 499 + " and more"))
    ('region a b', 499)
    """
    clean = text if one_line(text) else "".join(c if one_line(c) else " " for c in text)
    return clean[:DESCRIPTION_MAX].strip()
