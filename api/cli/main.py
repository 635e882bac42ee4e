"""The command ``cyclebook``. Each noun's module is loaded only when it is asked for."""

import sys
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

from api.cli.ending import PROCESSES, begin_log, status_of

COMMANDS: dict[str, tuple[str, str]] = {
    "up": ("api.cli.up:up", "Start everything on this machine."),
    "serve": ("api.cli.processes:serve", "Answer API requests."),
    "work": ("api.cli.processes:work", "Follow the log, sync, close: what goes on by itself."),
    "sandbox": ("api.cli.processes:sandbox", "Be Stripe, for tries without an account."),
    "migrate": ("api.cli.store:migrate", "Bring the database up to date."),
    "rebuild": ("api.cli.store:rebuild", "Make projections anew from the log."),
    "settings": ("api.cli.store:settings", "Show every setting as it stands."),
    "keys": ("api.cli.keys:keys", "Make, list, replace and revoke keys of the API."),
    "sign-in": ("api.cli.signing_in:sign_in", "Make a link to the pages for somebody."),
    "import-usage": ("api.cli.usage:import_usage", "Record usage from a file."),
    "import-stripe": (
        "api.cli.importing:import_stripe",
        "Bring customers and past invoices over from another biller.",
    ),
    "shadow": ("api.cli.shadow:shadow", "Compare our invoices with another biller's."),
    "intake": ("api.cli.intake:intake", "Show usage from RabbitMQ that was no usage."),
    "invoice": ("api.cli.invoices:invoice", "Show what an organization owes."),
    "history": ("api.cli.invoices:history", "Tell an invoice's story, event by event."),
    "explain": ("api.cli.invoices:explain", "Explain a line, from usage to cents."),
    "diff": ("api.cli.diff:diff", "Tell why an invoice's amount changed."),
    "rate": ("api.cli.rate:rate", "Rate a price, or history under another one."),
    "reprice": ("api.cli.reprice:reprice", "Put a wrong price right everywhere."),
    "plan": ("api.cli.syncing:plan", "Show what a sync would change at Stripe."),
    "sync": ("api.cli.syncing:sync", "Make Stripe's draft equal our invoice."),
    "syncs": ("api.cli.syncs:syncs", "Show what waits to reach Stripe, and what failed."),
    "link": ("api.cli.link:link", "Say which customer at Stripe an organization is."),
    "webhooks": ("api.cli.webhooks:webhooks", "Show what Stripe told us in vain, and why."),
    "catch-up": ("api.cli.webhooks:catch_up", "Find what no webhook told, in Stripe's own lists."),
    "mails": ("api.cli.mails:mails", "Show e-mails that are not sent, and why."),
    "schedules": ("api.cli.schedules:schedules", "Show periodic work, or have some done now."),
    "jobs": ("api.cli.schedules:jobs", "Show periodic work that failed for good."),
    "workers": ("api.cli.schedules:workers", "Show who works, and how that goes."),
    "audit": ("api.cli.audit:audit", "Compare the books with their events and with Stripe."),
    "verify": ("api.cli.verify:verify", "Count everything in the books a second time."),
    "verify-export": (
        "api.cli.verify_export:verify_export",
        "Check an exported invoice, without a database.",
    ),
    "export-organization": (
        "api.cli.export_organization:export_organization",
        "Write out everything about an organization.",
    ),
    "archive": ("api.cli.archive:archive", "Copy a closed month of the log into a file."),
    "detach-archive": ("api.cli.archive:detach_archive", "Take an archived month out of the log."),
    "restore-archive": ("api.cli.archive:restore_archive", "Put events back from an archive."),
    "erase-member": ("api.cli.erase_member:erase_member", "Forget a person; no amount changes."),
    "pay": ("api.cli.pay:pay", "Note money that came in, without Stripe."),
    "export": ("api.cli.export:export", "Write a journal for accounting programs."),
    "close": ("api.cli.syncing:close", "Close, settle and issue what is due."),
    "bench": ("api.cli.bench:bench", "Measure, and print a table."),
}
"""Where each command is, and its line in the help."""


class Commands(click.Group):
    """A group that knows its commands by name and loads one when it is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of a day's work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find one. A process has its log before anything of it is loaded."""
        name = args[0]
        if name in PROCESSES:
            begin_log()
        elif name not in COMMANDS and (like := get_close_matches(name, COMMANDS, n=1)):
            ctx.fail(f"No such command {name!r}. Did you mean {like[0]!r}?")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run one; an error of ours becomes a sentence, or a line of the log, and a status."""
        try:
            return super().invoke(ctx)
        except (Exception, KeyboardInterrupt) as error:
            status = status_of(error, ctx.invoked_subcommand or "")
            if status is None:
                raise
            sys.exit(status)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List all commands without loading any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])


EPILOG = """New here? "cyclebook up --demo" starts everything and plays two months. "cyclebook
COMMAND --help" says more of a command, "cyclebook settings" what it works with: DATABASE_URL names
the database, and without it there is one of its own in CYCLEBOOK_HOME. A CYCLE is named like
acme.2026-01-01, an INSTANT is written like 2026-01-05T10:00:00Z."""


@click.command(
    cls=Commands, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EPILOG
)
@click.version_option(package_name="cyclebook")
def cli() -> None:
    """Event-sourced usage billing that explains itself.

    Exit status: 0 all is well, 1 something was found or failed, 2 the command cannot be run so.
    """


def main(arguments: list[str] | None = None) -> Any:
    """Run a command and exit with its status."""
    return cli.main(arguments, prog_name="cyclebook", standalone_mode=True)


if __name__ == "__main__":
    main()
