"""How the text of a setting is read, and refused by the setting's name."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

from api.cron import is_cadence
from application.schedules import cadences
from domain.errors import InvalidInput

STRIPE, JOURNAL = "stripe", "journal"
DEFAULT_SECRET_KEY = "insecure-key-of-the-cyclebook-demo"
_AMQP_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LOG_FORMATS = ("text", "json")
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def as_text(name: str, text: str) -> str:
    """A text, as it is."""
    return text


def as_path(name: str, text: str) -> Path:
    """A path, made absolute."""
    return Path(text).expanduser().absolute()


def as_count(name: str, text: str) -> int:
    """A whole number from 1."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 1_000_000):
        raise InvalidInput(f"{name} has to be a whole number from 1, not {text!r}", field=name)
    return int(text)


def as_yes_or_no(name: str, text: str) -> bool:
    """``true`` or ``false``."""
    if text.lower() not in ("true", "false"):
        raise InvalidInput(f"{name} has to be true or false, not {text!r}", field=name)
    return text.lower() == "true"


def as_day(name: str, text: str) -> date:
    """A day."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = f"{name} has to be a day such as 2026-12-01, not {text!r}"
        raise InvalidInput(message, field=name) from None


def as_port(name: str, text: str) -> int:
    """A port."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65_535):
        raise InvalidInput(f"{name} has to be a port from 1 to 65535, not {text!r}", field=name)
    return int(text)


def as_processor(name: str, text: str) -> str:
    """Who holds and issues invoices."""
    if text.lower() not in (STRIPE, JOURNAL):
        raise InvalidInput(f"{name} has to be {STRIPE} or {JOURNAL}, not {text!r}", field=name)
    return text.lower()


def as_amqp_name(name: str, text: str) -> str:
    """How names at the broker begin."""
    if not _AMQP_NAME.fullmatch(text):
        raise InvalidInput(
            f"{name} has to be 1 to 64 letters, digits, dots, dashes or underscores", field=name
        )
    return text


def as_schedules(name: str, text: str) -> str:
    """When schedules run."""
    try:
        cadences(text, is_cadence)
    except InvalidInput as error:
        raise InvalidInput(f"{name}: {error}", field=name) from error
    return text


def as_log_level(name: str, text: str) -> str:
    """How much is logged."""
    if text.upper() not in _LOG_LEVELS:
        known = ", ".join(_LOG_LEVELS)
        raise InvalidInput(f"{name} has to be one of {known}, not {text!r}", field=name)
    return text.upper()


def as_log_format(name: str, text: str) -> str:
    """For people or for programs."""
    if text.lower() not in _LOG_FORMATS:
        known = " or ".join(_LOG_FORMATS)
        raise InvalidInput(f"{name} has to be {known}, not {text!r}", field=name)
    return text.lower()


def as_url(*schemes: str) -> Callable[[str, str], str]:
    """An address with one of these schemes."""

    def parse(name: str, text: str) -> str:
        if not text.startswith(tuple(f"{scheme}://" for scheme in schemes)):
            raise InvalidInput(f"{name} has to begin with {schemes[0]}://", field=name)
        return text

    return parse
