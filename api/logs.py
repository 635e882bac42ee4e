"""The log: lines for people or in JSON, each with what it is about, and no secret or address."""

import json
import logging
import re
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from api.settings import Settings
from application.about import facts
from application.outage import STORE

JSON = "json"

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


_AWAY = {"StoreUnavailable", "OperationalError", "InterfaceError", "PoolTimeout"}
"""Errors by which the database is known to be away, by name: their packages are loaded late."""

log = logging.getLogger("cyclebook")


def log_to_stderr(settings: Settings) -> None:
    """Write the log where output for programs is not disturbed; once for each process.

    Warnings of Python and errors that nobody caught become lines of it too.
    """
    if logging.getLogger().handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(settings))
    handler.addFilter(no_repeated_outage)
    logging.basicConfig(level=settings.log_level, handlers=[handler])
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread
    sys.unraisablehook = _unraisable
    # One line for each call is too much: the StripeInvoice streams record them all.
    logging.getLogger("stripe").setLevel(logging.WARNING)
    # Nor one for each job: the runs of schedules are kept with their outcomes.
    logging.getLogger("procrastinate").setLevel(logging.WARNING)


def _uncaught(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    if issubclass(kind, KeyboardInterrupt):
        log.warning("interrupted")
    else:
        log.critical("ended by an error that nobody expected", exc_info=(kind, error, trace))


def _uncaught_in_thread(ended: threading.ExceptHookArgs) -> None:
    name = ended.thread.name if ended.thread else "unknown"
    error = ended.exc_value or ended.exc_type()
    log.critical("thread %s was ended by an error that nobody expected", name, exc_info=error)


def _unraisable(left: Any) -> None:
    log.error("%s in %r", left.err_msg or "an error", left.object, exc_info=left.exc_value)


def formatter(settings: Settings) -> logging.Formatter:
    """Lines as the settings want them."""
    secrets = [getattr(settings, each.name) for each in fields(settings) if each.metadata["secret"]]
    known = [str(each) for each in secrets if each and len(str(each)) >= SECRET_MIN]
    return JsonLines(known) if settings.log_format == JSON else TextLines(known)


def no_repeated_outage(record: logging.LogRecord) -> bool:
    """Whether a line says more than that the database is away, which ``Outage`` tells of."""
    if record.name == "psycopg.pool":  # of each try, and of each connection that it replaces
        return not (STORE.under_way or str(record.msg).startswith("discarding "))
    if not any(map(_tells_of_outage, _errors_of(record))):
        return True
    # What the library of jobs fails for, our runner fails for as well, and says so.
    by_others = record.name.startswith("procrastinate")
    return not (STORE.under_way or by_others or record.levelno <= logging.INFO)


def _errors_of(record: logging.LogRecord) -> Iterator[BaseException]:
    """Those that a line is about, and what they came from."""
    args = record.args if isinstance(record.args, tuple) else ()
    cause = record.exc_info[1] if record.exc_info else None
    for error in (getattr(record, "trouble", None), cause, *args):
        while isinstance(error, BaseException):
            yield error
            error = error.__cause__


def _tells_of_outage(error: BaseException) -> bool:
    return any(each.__name__ in _AWAY for each in type(error).__mro__)


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
            "message": _message(record),
            **facts(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = self.formatException(record.exc_info)
        told = {name: hidden(value, self._secrets) for name, value in line.items()}
        return json.dumps(told, ensure_ascii=False)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):  # somebody's words and their values do not fit
        return f"{record.msg} {record.args}"


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
