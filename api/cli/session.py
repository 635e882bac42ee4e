"""What most commands share: settings, use cases, logging, and output for people or programs."""

import json
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from api.cli.beside import environment_beside
from api.cli.start import begun
from domain.errors import GatewayUnavailable

if TYPE_CHECKING:
    from api.wiring import Wired

ACTOR = "cli"
CONNECT_MAX_S = 1

as_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for programs.")


@contextmanager
def session(*, keep_running: bool = False, metered: bool = False) -> Iterator["Wired"]:
    """The use cases over the database of the settings; the embedded one is joined.

    Only what keeps running makes it, where there is none.
    """
    from api.wiring import wired_from

    settings = begun(environment_beside())
    with wired_from(settings, keep_running=keep_running, metered=metered) as wired:
        try:
            yield wired
        except GatewayUnavailable as error:
            base = settings.stripe_api_base or ""
            if settings.sandbox and not _answered(base):
                raise GatewayUnavailable(
                    f"nobody answers at {base}: start the sandbox with cyclebook up, "
                    "or with cyclebook sandbox"
                ) from error
            raise


def _answered(base: str) -> bool:
    address = urlsplit(base)
    port = address.port or (443 if address.scheme == "https" else 80)
    return listens(address.hostname or "", port)


def listens(host: str, port: int) -> bool:
    """Whether this port takes connections."""
    try:
        socket.create_connection((host, port), timeout=CONNECT_MAX_S).close()
    except OSError:
        return False
    return True


def print_json(value: Any) -> None:
    """Write one JSON document."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], title: str = "") -> None:
    """Write a table for people. A column whose name ends in ``>`` is set flush right."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for column in columns:
        right = column.endswith(">")
        table.add_column(
            column.rstrip(">"),
            justify="right" if right else "left",
            no_wrap=right,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    if title:
        click.echo(title)  # as one line: a table would wrap it to its own width
    width = None if sys.stdout.isatty() else 160
    Console(highlight=False, width=width).print(table)


class Instant(click.ParamType[datetime]):
    """An RFC 3339 instant with a zone."""

    name = "instant"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Read it."""
        from api.instants import parse_instant

        return value if isinstance(value, datetime) else parse_instant(value, self._named(param))

    @staticmethod
    def _named(param: click.Parameter | None) -> str:
        """As it was typed: an option by its name, not by that of our own variable."""
        if isinstance(param, click.Option):
            return param.opts[0]
        return param.human_readable_name if param else "instant"


INSTANT = Instant()
