"""``cyclebook serve``, ``work`` and ``sandbox``: one process each, until told to stop."""

import logging

import click

from api.cli.session import session
from api.cli.start import begun

log = logging.getLogger("cyclebook")


@click.command()
def serve() -> None:
    """Answer API requests on HOST and PORT."""
    from api.server import serve as run

    run(begun(listens_at=["PORT"]))


def _roles(
    context: click.Context, option: click.Parameter, given: tuple[str, ...]
) -> tuple[str, ...]:
    from api.worker import ROLES

    named = tuple(role.strip() for each in given for role in each.split(","))
    for role in named:
        if role not in ROLES:
            raise click.BadParameter(f"{role!r} is none of {', '.join(ROLES)}")
    return named


@click.command()
@click.option(
    "--role",
    "--roles",
    "roles",
    multiple=True,
    callback=_roles,
    metavar="ROLE,ROLE",
    help="Only these of project, sync, schedule, notify and intake; by default all.",
)
def work(roles: tuple[str, ...]) -> None:
    """Follow the log, keep Stripe in step, and do what is due."""
    from api.worker import ROLES, run

    with session(keep_running=True, metered=True) as wired:
        able = [role for role in ROLES if role != "intake" or wired.broker is not None]
        if "intake" in roles and wired.broker is None:
            raise click.UsageError("there is no intake without RabbitMQ: set AMQP_URL")
        log.info("working: %s", ", ".join(roles or able))
        run(wired, roles or able)


@click.command()
@click.option(
    "--webhooks", metavar="URL", help="Where webhooks go; by default to the API of these settings."
)
def sandbox(webhooks: str | None) -> None:
    """Be Stripe on SANDBOX_PORT, with data that outlives the process."""
    from api.wiring import run_sandbox

    settings = begun(listens_at=["SANDBOX_PORT"])
    target = webhooks or f"http://{settings.address}/webhooks/stripe"
    run_sandbox(settings, target, lambda url: log.info("sandbox at %s", url))
