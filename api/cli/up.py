"""``cyclebook up``: everything in one process group."""

import errno
import fcntl
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from pathlib import Path

import click

from api.cli.beside import LOCK, keep_addresses
from api.cli.session import ACTOR, listens, session
from api.logs import log_to_stderr
from api.settings import Settings
from api.supervisor import Child, Supervisor, answers, exists
from domain.errors import InvalidInput

SANDBOX_HOST = "127.0.0.1"
DEMO_MAX_S = 600.0


@click.command()
@click.option("--demo", is_flag=True, help="Play a realistic month into an empty store.")
def up(demo: bool) -> None:
    """Start everything: database, sandbox Stripe, API and worker. Ctrl-C stops all of it."""
    settings = Settings.from_environment()
    log_to_stderr(settings)
    with _alone(settings), session(keep_running=True) as wired:
        first = not demo and not wired.keys.list(limit=1)
        key = wired.keys.create("admin", name="first", actor=ACTOR) if first else None
        children = _children(settings, demo)
        status = Supervisor(children).run(lambda: _welcome(settings, key, demo))
    sys.exit(status)


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Only one ``up`` on a folder, until the block ends or we die; and only on free ports.

    Raises:
        InvalidInput: another one runs there, or a port cannot be had.
    """
    settings.cyclebook_home.mkdir(parents=True, exist_ok=True)
    with (settings.cyclebook_home / LOCK).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InvalidInput(
                f"cyclebook up runs already on {settings.cyclebook_home}: "
                "stop it, or set CYCLEBOOK_HOME to another folder",
                field="CYCLEBOOK_HOME",
            ) from None
        _require_free_ports(settings)
        keep_addresses(settings)
        yield


def _require_free_ports(settings: Settings) -> None:
    wanted = [("PORT", settings.host, settings.port)]
    if settings.sandbox:
        wanted.append(("SANDBOX_PORT", SANDBOX_HOST, settings.sandbox_port))
    with ExitStack() as taken:  # all at once: two may be the same
        for setting, host, port in wanted:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            try:
                taken.enter_context(socket.create_server((host, port), family=family))
            except OSError as error:
                raise _not_to_be_had(setting, f"{host}:{port}", error) from None


def _not_to_be_had(setting: str, address: str, error: OSError) -> InvalidInput:
    if error.errno == errno.EADDRINUSE:
        return InvalidInput(
            f"{address} is taken: stop what listens there, or set {setting} to another port",
            field=setting,
        )
    named = setting if error.errno == errno.EACCES else "HOST"
    why = error.strerror or str(error)
    return InvalidInput(f"cannot listen on {address} ({why}): change {named}", field=named)


@click.command()
def demo() -> None:
    """Play the month. Run by ``up``."""
    with session() as wired:
        import_module("api.demo.play").play(wired, click.echo)
        _played(wired.settings).touch()


def _children(settings: Settings, demo: bool) -> list[Child]:
    found = []
    if settings.sandbox:
        ready = partial(listens, SANDBOX_HOST, settings.sandbox_port)
        found.append(Child(name="sandbox", argv=_command("sandbox"), ready=ready))
    alive = answers(f"http://{settings.host}:{settings.port}/healthz")
    found.append(Child(name="api", argv=_command("serve"), ready=alive))
    if demo:
        # Before the worker: its scheduler would close cycles that the demo still fills.
        found.append(_demo(settings))
    found.append(Child(name="worker", argv=_command("work")))
    return found


def _demo(settings: Settings) -> Child:
    played = _played(settings)
    played.unlink(missing_ok=True)
    play = "from api.cli.up import demo; demo()"
    return Child(
        name="demo",
        argv=[sys.executable, "-c", play],
        ready=exists(played),
        ready_within_s=DEMO_MAX_S,
        once=True,
    )


def _played(settings: Settings) -> Path:
    """The file that says that the demo has run in this start."""
    return settings.cyclebook_home / "demo.played"


def _command(name: str) -> list[str]:
    run = "from api.cli.main import main; main()"
    return [sys.executable, "-c", run, name]


def _welcome(settings: Settings, key: str | None, demo: bool) -> None:
    base = f"http://{settings.host}:{settings.port}"
    click.echo(f"\nCyclebook is up.\n  API   {base}\n  docs  {base}/docs/")
    if key is not None:
        click.echo(f"  key   {key}   (admin; shown this once)")
    if demo:
        hints = import_module("api.demo.hints").hints(settings, datetime.now(UTC))
        click.echo(f"\n{hints}\n")
    click.echo("Ctrl-C stops everything.\n")
