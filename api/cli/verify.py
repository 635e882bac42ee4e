"""``cyclebook verify``: the books counted a second time, and what does not hold."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from api.cli.detached_months import month_json, tell_not_looked_at
from api.cli.session import as_json, print_json, print_table, session
from api.cli.verify_chain import verify_chain
from projections.checks.broken import INVARIANTS

if TYPE_CHECKING:
    from application.verification import Progress, Report

REBUILD = 11
EVERYBODY = ""


class Numbers(click.ParamType[frozenset[int]]):
    """Numbers separated by commas."""

    name = "N,N"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> frozenset[int]:
        """Read them."""
        if isinstance(value, frozenset):
            return value
        try:
            return frozenset(int(each) for each in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is not a list of numbers such as 1,2,5", param, ctx)


@click.command()
@click.option("--organization", metavar="ORG", help="Only this one.")
@click.option(
    "--only", type=Numbers(), default=frozenset(), help="Only these of the twelve invariants."
)
@click.option("--rebuild", is_flag=True, help="Fold all projections anew and compare (11); heavy.")
@click.option("--stripe", is_flag=True, help="Ask Stripe as well for live invoices (7).")
@click.option(
    "--chain",
    metavar="[ORG]",
    is_flag=False,
    flag_value=EVERYBODY,
    help="Compare the log with its hash chains instead, of one organization or of all.",
)
@click.option(
    "--from-head",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Heads of chains as you kept them; with --chain.",
)
@as_json
def verify(chain: str | None, from_head: Path | None, as_json: bool, **books: Any) -> None:
    """Check that the books hold together, by counting everything a second, plain way.

    Reads only, and may run while the service does.
    """
    if chain is None and from_head is None:
        sys.exit(_verify_books(**books, as_json=as_json))
    one = books["organization"] if chain in (None, EVERYBODY) else chain
    sys.exit(verify_chain(one, from_head, as_json=as_json))


def _verify_books(
    organization: str | None, only: frozenset[int], rebuild: bool, stripe: bool, *, as_json: bool
) -> int:
    """Count everything a second time; the exit status."""
    checked = only or INVARIANTS.keys() - {REBUILD}
    wanted = frozenset({*checked, REBUILD} if rebuild else checked)
    with session() as wired, _progress() as on_progress:
        report = wired.verification.run(
            organization, only=wanted, ask_stripe=stripe, on_progress=on_progress
        )
        months = wired.audit_trail.archive.detached()
    if as_json:
        print_json({**_json(report), "detached": [month_json(each) for each in months]})
    else:
        _tell(report)
        tell_not_looked_at(months)
    return 1 if report.broken else 0


@contextmanager
def _progress() -> Iterator["Progress"]:
    """A bar for people, in usage records and billing cycles."""
    with click.progressbar(length=1, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:

        def show(done: int, expected: int) -> None:
            bar.length = expected
            bar.update(done - bar.pos)

        yield show


def _tell(report: "Report") -> None:
    broken = {each.invariant for each in report.broken}
    rows = [
        [number, "BROKEN" if number in broken else "holds", INVARIANTS[number]]
        for number in report.checked
    ]
    print_table(["invariant>", "", "what must hold"], rows)
    counts = {what: count for each in report.accounts.values() for what, count in each.items()}
    for what in counts:
        counts[what] = sum(each.get(what, 0) for each in report.accounts.values())
    click.echo(
        f"{report.organizations} organizations, {report.cycles} cycles, {report.records} usage "
        f"records ({', '.join(f'{count} {what}' for what, count in counts.items()) or 'none'})"
    )
    if report.broken:
        found = [[b.invariant, b.about, b.what, b.detail] for b in report.broken]
        print_table(["invariant>", "where", "what", "detail"], found, f"{len(found)} findings:")


def _json(report: "Report") -> dict[str, Any]:
    return {
        "checked": list(report.checked),
        "organizations": report.organizations,
        "cycles": report.cycles,
        "records": report.records,
        "accounts": report.accounts,
        "broken": [
            {
                "invariant": each.invariant,
                "where": each.about,
                "what": each.what,
                "detail": each.detail,
            }
            for each in report.broken
        ],
    }
