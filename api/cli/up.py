"""``cyclebook up``: everything in one process group."""

import socket
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import click

from api.cli.session import log_to_stderr, session
from api.settings import Settings
from api.supervisor import Child, Supervisor, answers, exists

CONNECT_MAX_S = 1
DEMO_MAX_S = 600.0


@click.command()
@click.option("--demo", is_flag=True, help="Play a realistic month into an empty store.")
def up(demo: bool) -> None:
    """Start everything: database, sandbox Stripe, API and worker. Ctrl-C stops all of it."""
    settings = Settings.from_environment()
    log_to_stderr(settings)
    with session(keep_running=True) as wired:
        key = None if demo or wired.keys.list() else wired.keys.create("admin", name="first")
        children = _children(settings, demo)
        status = Supervisor(children).run(lambda: _welcome(settings, key, demo))
    sys.exit(status)


@click.command()
def demo() -> None:
    """Play the month. Run by ``up``."""
    with session() as wired:
        import_module("api.demo.play").play(wired, click.echo)
        _played(wired.settings).touch()


def _children(settings: Settings, demo: bool) -> list[Child]:
    found = []
    if settings.sandbox:
        ready = _listens("127.0.0.1", settings.sandbox_port)
        found.append(Child(name="sandbox", argv=_command("sandbox"), ready=ready))
    alive = answers(f"http://{settings.host}:{settings.port}/healthz")
    found.append(Child(name="api", argv=_command("serve"), ready=alive))
    if demo:
        # Before the worker: its scheduler would close cycles that the demo still fills.
        found.append(_demo(settings))
    found.append(Child(name="worker", argv=_command("work")))
    return found


def _listens(host: str, port: int) -> Callable[[], bool]:
    """Ready once this port takes connections."""

    def ready() -> bool:
        try:
            socket.create_connection((host, port), timeout=CONNECT_MAX_S).close()
        except OSError:
            return False
        return True

    return ready


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
