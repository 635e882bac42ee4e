"""``cyclebook audit``: the books compared with their events and with Stripe."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.cli.detached_months import month_json, tell_not_looked_at
from api.cli.session import ACTOR, INSTANT, as_json, print_json, print_table, session

if TYPE_CHECKING:
    from api.wiring import Wired
    from application.reconciling.ports import Report
    from application.reconciling.sweep import Progress

SHOWN_MAX = 200
"""How many findings are shown on a terminal; files and JSON have all."""


@click.command()
@click.option("--from", "start", type=INSTANT, help="Cycles that end after this.")
@click.option("--to", "end", type=INSTANT, help="Cycles that start before this.")
@click.option("--repair", is_flag=True, help="Mend what is safe to mend.")
@click.option("--every-line", is_flag=True, help="Read all lines of long drafts, too.")
@click.option("--csv", "table", type=click.Path(path_type=Path), help="Write findings to a file.")
@as_json
def audit(
    start: datetime | None,
    end: datetime | None,
    repair: bool,
    every_line: bool,
    table: Path | None,
    as_json: bool,
) -> None:
    """Compare a window of cycles with their events, and with everything Stripe lists.

    Status 1 where anything differs, or the sweep could not be trusted.
    """
    from application.reconciling.ports import Asked

    asked = Asked(start=start, end=end, repair=repair, every_line=every_line)
    with session() as wired:
        with _progress() as on_progress:
            report = wired.reconciliations.run(asked, ACTOR, on_progress)
        if table is not None:
            _write(wired, report, table)
        if as_json:
            _print_json(wired, report)
        else:
            _tell(wired, report)
            tell_not_looked_at(wired.audit_trail.archive.detached())
    sys.exit(0 if report.clean else 1)


@contextmanager
def _progress() -> Iterator["Progress"]:
    """A bar for people, in billing cycles."""
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=1, label="cycles", file=sys.stderr, hidden=hidden) as bar:

        def show(done: int, expected: int) -> None:
            bar.length = max(expected, 1)
            bar.update(done - bar.pos)

        yield show


def _write(wired: "Wired", report: "Report", table: Path) -> None:
    from api.findings import csv_lines

    with table.open("w", encoding="utf-8", newline="") as file:
        file.writelines(csv_lines(wired.reconciliations.every_finding(report.id)))


def _print_json(wired: "Wired", report: "Report") -> None:
    from api.findings import finding_json, report_json

    found = wired.reconciliations.every_finding(report.id)
    print_json(
        {
            **report_json(report),
            "data": [finding_json(each) for each in found],
            "detached": [month_json(each) for each in wired.audit_trail.archive.detached()],
        }
    )


def _tell(wired: "Wired", report: "Report") -> None:
    counts = [
        [
            each.kind,
            each.severity,
            each.findings,
            each.repaired,
            each.currency.upper(),
            _money(each.cents, each.currency),
        ]
        for each in report.counts
    ]
    if counts:
        print_table(["kind", "severity", "found>", "repaired>", "", "difference>"], counts)
        _tell_findings(wired, report)
    if report.problem:
        click.echo(f"failed: {report.problem}")
    click.echo(
        f"{report.done} of {report.expected} cycles compared with {report.listed} invoices that "
        f"Stripe lists: {report.findings} findings, {report.repaired} repaired "
        f"(reconciliation {report.id})"
    )


def _tell_findings(wired: "Wired", report: "Report") -> None:
    found = wired.reconciliations.findings(report.id, 0, SHOWN_MAX)
    rows = [
        [
            each.severity,
            each.kind,
            each.cycle,
            each.invoice,
            each.ours,
            each.theirs,
            _money(each.cents, each.currency),
            each.repair or each.detail,
        ]
        for _, each in found
    ]
    columns = ["severity", "kind", "cycle", "invoice", "ours", "theirs", "difference>", "what"]
    click.echo()
    print_table(columns, rows)
    if report.findings > len(rows):
        click.echo(f"... and {report.findings - len(rows)} more: --csv or --json has all")
    click.echo()


def _money(cents: int, currency: str) -> str:
    """A difference as people write it; minor units where there is no currency."""
    from domain.money import shown

    return shown(cents, currency) if currency else str(cents)
