"""How a command ends that fails: what it says, to people or to its log, and its exit status."""

import os
from collections.abc import Iterator

import click

from domain.errors import CyclebookError, InvalidInput, NotFound

PROCESSES = ("up", "serve", "work", "sandbox")
"""Commands that run until they are told to stop. Whatever they say is a line of their log."""


def status_of(error: BaseException, command: str) -> int | None:
    """Say what went wrong; the exit status. ``None``: nothing was said, the error has to go on."""
    known = isinstance(error, (CyclebookError, click.ClickException)) or _names_a_file(error)
    if command in PROCESSES and (known or isinstance(error, (click.Abort, KeyboardInterrupt))):
        return _logged(error)
    if isinstance(error, click.ClickException) or not known:
        return None
    for sentence in _sentences(error):
        click.echo(f"cyclebook: {sentence}", err=True)
    return _status(error)


def begin_log() -> bool:
    """Set the log up, whatever else is wrong with the settings; whether it is JSON."""
    from api.logs import JSON, log_to_stderr
    from api.settings import Settings

    settings, _ = Settings.as_given(os.environ)
    log_to_stderr(settings)
    return settings.log_format == JSON


def _logged(error: BaseException) -> int | None:
    if not begin_log():
        return status_of(error, command="")
    from api.logs import log

    for sentence in _sentences(error):
        log.critical("%s", sentence)
    return _status(error)


def _sentences(error: BaseException) -> Iterator[str]:
    if isinstance(error, click.ClickException):
        yield error.format_message()
    elif isinstance(error, OSError):
        yield f"{error.filename}: {error.strerror}"
    else:
        yield from (str(error) or "interrupted").split("\n")


def _status(error: BaseException) -> int:
    if isinstance(error, click.ClickException):
        return error.exit_code
    return 2 if isinstance(error, (InvalidInput, NotFound, OSError)) else 1


def _names_a_file(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.filename is not None
