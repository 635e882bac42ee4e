"""``cyclebook up``: everything in one process group."""

import fcntl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from pathlib import Path

import click

from api.cli.beside import LOCK, keep_addresses
from api.cli.session import ACTOR, listens, session
from api.cli.start import begun
from api.logs import JsonLines, formatter
from api.ports import SANDBOX_HOST, require_free
from api.settings import Settings
from api.supervised_lines import in_json
from api.supervisor import Child, Supervisor, answers, exists
from domain.errors import InvalidInput

DEMO_MAX_S = 600.0


@click.command()
@click.option("--demo", is_flag=True, help="Play two realistic months into an empty store.")
def up(demo: bool) -> None:
    """Start everything: database, sandbox Stripe, API and worker. Ctrl-C stops all of it."""
    from api.wiring import wired_from

    settings = begun()
    with _alone(settings), wired_from(settings, keep_running=True) as wired:
        first = not demo and not wired.keys.list(limit=1)
        key = wired.keys.create("admin", name="first", actor=ACTOR) if first else None
        children = _children(settings, demo)
        status = Supervisor(children, written=_written(settings)).run(
            lambda: _welcome(settings, key, demo)
        )
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
        require_free(settings, ["PORT", "SANDBOX_PORT"] if settings.sandbox else ["PORT"])
        keep_addresses(settings)
        yield


@click.command()
def demo() -> None:
    """Play the two months. Run by ``up``."""
    with session() as wired:
        import_module("api.demo.play").play(wired, click.echo)
        _played(wired.settings).touch()


def _children(settings: Settings, demo: bool) -> list[Child]:
    found = []
    if settings.sandbox:
        ready = partial(listens, SANDBOX_HOST, settings.sandbox_port)
        found.append(Child(name="sandbox", argv=_command("sandbox"), ready=ready))
    alive = answers(f"http://{settings.address}/healthz")
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


def _written(settings: Settings) -> Callable[[str, str], str] | None:
    """How lines of its processes are written, where that is not as usual."""
    lines = formatter(settings)
    return in_json(lines) if isinstance(lines, JsonLines) else None


def _played(settings: Settings) -> Path:
    """The file that says that the demo has run in this start."""
    return settings.cyclebook_home / "demo.played"


def _command(name: str) -> list[str]:
    run = "from api.cli.main import main; main()"
    return [sys.executable, "-c", run, name]


def _welcome(settings: Settings, key: str | None, demo: bool) -> None:
    base = f"http://{settings.address}"
    click.echo(f"\nCyclebook is up.\n  API   {base}\n  docs  {base}/docs/")
    if key is not None:
        click.echo(f"  key   {key}   (admin; shown this once)")
    if demo:
        hints = import_module("api.demo.hints").hints(settings, datetime.now(UTC))
        click.echo(f"\n{hints}\n")
    click.echo("Ctrl-C stops everything.\n")
