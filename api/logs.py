"""The log: lines for people or in JSON, each with what it is about, and no secret or address."""

import json
import logging
import re
import sys
from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime

from api.settings import Settings
from application.about import facts

TEXT, JSON = "text", "json"

SECRET_MIN = 8
"""Leaving out shorter ones would make nonsense of every line."""

_HIDDEN = (
    (re.compile(r"\b(ck_[\w-]{8})[\w-]{4,}"), r"\1…"),  # a key's id may be seen, its secret not
    (re.compile(r"\b((?:sk|rk)_(?:live|test)_|whsec_)\w+"), r"\1…"),
    (re.compile(r"(?i)\b(bearer|basic) [^\s'\",]+"), r"\1 …"),
    (re.compile(r"(/sign-in/)[\w.~-]{16,}"), r"\1…"),
    (re.compile(r"\b(\w+://)[^\s/:@]*:[^\s/@]*@"), r"\1…@"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "…@…"),
)
"""What never stands in a log: secrets, links that sign in, and e-mail addresses."""


def log_to_stderr(settings: Settings) -> None:
    """Write the log where output for programs is not disturbed."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(settings))
    logging.basicConfig(level=settings.log_level, handlers=[handler])
    # One line for each call is too much: the StripeInvoice streams record them all.
    logging.getLogger("stripe").setLevel(logging.WARNING)
    # Nor one for each job: the runs of schedules are kept with their outcomes.
    logging.getLogger("procrastinate").setLevel(logging.WARNING)


def formatter(settings: Settings) -> logging.Formatter:
    """Lines as the settings want them."""
    secrets = [getattr(settings, each.name) for each in fields(settings) if each.metadata["secret"]]
    known = [str(each) for each in secrets if each and len(str(each)) >= SECRET_MIN]
    return JsonLines(known) if settings.log_format == JSON else TextLines(known)


class TextLines(logging.Formatter):
    """Lines for people. secrets: what else is left out, wherever it stands."""

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        """One line, and a traceback if there is one."""
        first, *rest = super().format(record).split("\n")
        known = " ".join(f"{name}={value}" for name, value in facts().items())
        lines = [f"{first} [{known}]" if known else first, *rest]
        return hidden("\n".join(lines), self._secrets)


class JsonLines(logging.Formatter):
    """One JSON object on each line. secrets: what else is left out, wherever it stands."""

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        super().__init__()
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        """``at``, ``level``, ``logger``, ``message``, ``exception``, and what it is about."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **facts(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        told = {name: hidden(value, self._secrets) for name, value in line.items()}
        return json.dumps(told, ensure_ascii=False)


def hidden(text: str, secrets: Sequence[str] = ()) -> str:
    """A text without secrets and e-mail addresses.

    >>> hidden("Bearer ck_abcdefgh12345678 of ada@acme.example")
    'Bearer … of …@…'
    >>> hidden("postgresql://app:pass@db/cyclebook refused key:ck_abcdefgh")
    'postgresql://…@db/cyclebook refused key:ck_abcdefgh'
    """
    for secret in secrets:
        text = text.replace(secret, "…")
    for pattern, shown in _HIDDEN:
        text = pattern.sub(shown, text)
    return text
