"""How the text of a setting is read, and refused by the setting's name."""

import re
from collections.abc import Callable
from datetime import date
from email.errors import MessageError
from email.headerregistry import Address
from email.utils import parseaddr
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from api.cron import is_cadence
from api.forwarded import networks
from application.schedules import cadences
from domain.errors import InvalidInput
from domain.sync_allowance import READS_MIN

STRIPE, JOURNAL = "stripe", "journal"
DEFAULT_SECRET_KEY = "insecure-key-of-the-cyclebook-demo"
_AMQP_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LOG_FORMATS = ("text", "json")
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_HOST_NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
_TOKEN = re.compile(r"[!-~]+")
_STRIPE_KEY = re.compile(r"[sr]k_[!-~]+")
_WEBHOOK_SECRET = re.compile(r"whsec_[!-~]+")
_COUNT_MAX = 1_000_000
_MINOR_UNITS_MAX = 10**15


def unfit(name: str, expected: str, text: str | None = None) -> InvalidInput:
    """What a setting has to be, and what it is instead. text: ``None`` where it is a secret."""
    instead = "" if text is None else f", not {text!r}"
    return InvalidInput(f"{name} has to be {expected}{instead}", field=name)


def as_text(name: str, text: str) -> str:
    """A text, as it is."""
    return text


def as_path(name: str, text: str) -> Path:
    """A path, made absolute."""
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError:
        raise unfit(name, "a path; nobody here has such a home", text) from None


def as_host(name: str, text: str) -> str:
    """An address of a machine, or its name."""
    try:
        return str(ip_address(text))
    except ValueError:
        if _HOST_NAME.fullmatch(text):
            return text
    raise unfit(name, "an address such as 127.0.0.1, or a machine's name", text)


def as_count(name: str, text: str) -> int:
    """A whole number from 1."""
    if not _is_whole(text, 1, _COUNT_MAX):
        raise unfit(name, f"a whole number from 1 to {_COUNT_MAX}", text)
    return int(text)


def as_minor_units(name: str, text: str) -> int:
    """An amount in minor units of any currency."""
    if not _is_whole(text, 1, _MINOR_UNITS_MAX):
        raise unfit(name, "a whole number of minor units from 1, such as 100000", text)
    return int(text)


def as_reads(name: str, text: str) -> int:
    """So many reads as suffice for an invoice; 0 for no limit."""
    if text != "0" and not _is_whole(text, READS_MIN, _COUNT_MAX):
        raise unfit(name, f"0, or a whole number from {READS_MIN} to {_COUNT_MAX}", text)
    return int(text)


def as_yes_or_no(name: str, text: str) -> bool:
    """``true`` or ``false``."""
    if text.lower() not in ("true", "false"):
        raise unfit(name, "true or false", text)
    return text.lower() == "true"


def as_day(name: str, text: str) -> date:
    """A day."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise unfit(name, "a day such as 2026-12-01", text) from None


def as_port(name: str, text: str) -> int:
    """A port."""
    if not _is_whole(text, 1, 65_535):
        raise unfit(name, "a port from 1 to 65535", text)
    return int(text)


def as_networks(name: str, text: str) -> str:
    """Addresses and networks."""
    try:
        networks(text)
    except ValueError:
        raise unfit(name, "addresses or networks such as 127.0.0.1,10.0.0.0/8", text) from None
    return text


def as_processor(name: str, text: str) -> str:
    """Who holds and issues invoices."""
    if text.lower() not in (STRIPE, JOURNAL):
        raise unfit(name, f"{STRIPE} or {JOURNAL}", text)
    return text.lower()


def as_amqp_name(name: str, text: str) -> str:
    """How names at the broker begin."""
    if not _AMQP_NAME.fullmatch(text):
        raise unfit(name, "1 to 64 letters, digits, dots, dashes or underscores", text)
    return text


def as_schedules(name: str, text: str) -> str:
    """When schedules run."""
    try:
        cadences(text, is_cadence)
    except InvalidInput as error:
        raise InvalidInput(f"{name} {text!r}: {error}", field=name) from error
    return text


def as_log_level(name: str, text: str) -> str:
    """How much is logged."""
    if text.upper() not in _LOG_LEVELS:
        raise unfit(name, f"one of {', '.join(_LOG_LEVELS)}", text)
    return text.upper()


def as_log_format(name: str, text: str) -> str:
    """For people or for programs."""
    if text.lower() not in _LOG_FORMATS:
        raise unfit(name, " or ".join(_LOG_FORMATS), text)
    return text.lower()


def as_web_address(name: str, text: str) -> str:
    """An address of a service on the web."""
    if not _is_web_address(text):
        raise unfit(name, "an address such as https://billing.example.com", text)
    return text


def as_url(*schemes: str) -> Callable[[str, str], str]:
    """An address with one of these schemes. It may hold a password, so it is never shown."""

    def parse(name: str, text: str) -> str:
        if not text.startswith(tuple(f"{scheme}://" for scheme in schemes)):
            wanted = " or ".join(f"{scheme}://" for scheme in schemes)
            raise unfit(name, f"an address that begins with {wanted}")
        return text

    return parse


def as_sender(name: str, text: str) -> str:
    """Whom e-mails are from."""
    shown, address = parseaddr(text)
    try:
        usable = bool(Address(display_name=shown, addr_spec=address).domain)
    except (ValueError, MessageError, IndexError):
        usable = False
    if not usable:
        raise unfit(name, "an e-mail address such as Acme Cloud <billing@acme.example>", text)
    return text


def as_stripe_key(name: str, text: str) -> str:
    """A key of Stripe that may do something."""
    if not _STRIPE_KEY.fullmatch(text):
        raise unfit(name, "a secret or restricted key of Stripe: it begins with sk_ or rk_")
    return text


def as_webhook_secrets(name: str, text: str) -> str:
    """What Stripe signs webhooks with, or several of these."""
    if not all(map(_WEBHOOK_SECRET.fullmatch, text.split())):
        raise unfit(name, "a signing secret of Stripe, which begins with whsec_, or several")
    return text


def as_token(name: str, text: str) -> str:
    """What stands in a header."""
    if not _TOKEN.fullmatch(text):
        raise unfit(name, "of letters, digits and signs of ASCII, without blanks")
    return text


def _is_whole(text: str, least: int, most: int) -> bool:
    # Python refuses to read a number of thousands of digits.
    written = text.isascii() and text.isdigit() and len(text) <= len(str(most))
    return written and least <= int(text) <= most


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        known = parts.scheme in ("https", "http") and parts.hostname and parts.port != 0
    except ValueError:
        return False
    plain = not (parts.username or parts.query or parts.fragment)
    return bool(known) and plain and _TOKEN.fullmatch(text) is not None
