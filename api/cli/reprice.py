"""``cyclebook reprice``: put a wrong price right everywhere, as reported and approved."""

import sys
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import click

from api.cli.moving import move_all, would_move
from api.cli.session import ACTOR, INSTANT, as_json, print_json, print_table, session
from api.report import Report, read_report
from application.repricing import Fate, Fixed
from domain.errors import InvalidInput
from domain.money import shown

SHOWN_MAX = 20


@click.command()
@click.argument("report", required=False, type=click.Path(exists=True, path_type=Path))
@click.option("--to", "right", metavar="REF", help="The right price version, published.")
@click.option("--reason", help="Why; it stands in every cycle's story.")
@click.option("--approve", metavar="DIGEST", help="Carry out the report of this digest.")
@click.option("--move", metavar="PRICE", help="Move what runs to this price's newest version.")
@click.option("--at", type=INSTANT, help="From when on; with --move.")
@click.option("--dry-run", is_flag=True, help="Only show what --move would do to invoices.")
@as_json
def reprice(  # noqa: PLR0913
    report: Path | None,
    right: str | None,
    reason: str | None,
    approve: str | None,
    move: str | None,
    at: datetime | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Correct a price as REPORT (of rate --history --all --out) says, or --move to a new one.

    A report is only shown, unless --approve names its digest. A move is carried out, unless
    --dry-run is said. Safe to run again: what is done stays.
    """
    if move is not None:
        if at is None or report is not None:
            raise click.UsageError("--move needs --at, and no report")
        _move(move, at, dry_run, as_json)
        return
    if dry_run:
        raise click.UsageError("--dry-run goes with --move; a report needs --approve anyway")
    if report is None or right is None or reason is None:
        raise click.UsageError("a report needs --to and --reason")
    _apply(read_report(report.read_bytes(), report.name), right, reason, approve, as_json)


def _apply(report: Report, right: str, reason: str, approve: str | None, as_json: bool) -> None:
    with session() as wired:
        correction = wired.repricing.correction(report.replaces, right, report.price, reason)
        if approve is None:
            _show(report, right, as_json)
            return
        if approve != report.digest:
            raise InvalidInput(
                f"this report is {report.digest}, and {approve} was approved", field="approve"
            )
        done = [
            wired.repricing.apply(correction, each.organization, each.cycles, actor=ACTOR)
            for each in report.organizations
        ]
    _tell(done, report.currency, as_json)


def _show(report: Report, right: str, as_json: bool) -> None:
    total = sum(each.difference for each in report.organizations)
    if as_json:
        print_json(
            {
                "digest": report.digest,
                "to": right,
                "replaces": list(report.replaces),
                "organizations": len(report.organizations),
                "difference": total,
            }
        )
        return
    widest = sorted(report.organizations, key=lambda each: -abs(each.difference))
    rows = [
        [each.organization, len(each.cycles), shown(each.difference, report.currency)]
        for each in widest[:SHOWN_MAX]
    ]
    print_table(["organization", "cycles>", "difference>"], rows)
    click.echo(
        f"{len(report.organizations)} organizations, {shown(total, report.currency)} "
        f"{report.currency.upper()} in all, from {', '.join(report.replaces)} to {right}. "
        "Nothing was changed."
    )
    click.echo(f"to carry it out: --approve {report.digest}")


def _move(price: str, at: datetime, dry_run: bool, as_json: bool) -> None:
    with session() as wired:
        if dry_run:
            sys.exit(would_move(wired, price, at, as_json))
        done = move_all(wired, price, at)
    _tell(done, None, as_json)


def _tell(done: Iterable[Fixed], currency: str | None, as_json: bool) -> None:
    """What became of each; status 1 where something was not done."""
    found = list(done)
    counts = Counter(each.fate for each in found)
    if as_json:
        print_json(
            {
                **{fate.value: counts[fate] for fate in Fate},
                "organizations": [
                    {
                        "organization": each.organization,
                        "fate": each.fate.value,
                        "difference": each.difference,
                        "detail": each.detail,
                    }
                    for each in found
                ],
            }
        )
    else:
        rows = [
            [
                each.organization,
                each.fate.value,
                shown(each.difference, currency) if currency else "",
                each.detail,
            ]
            for each in found
            if each.fate is not Fate.NOTHING
        ]
        print_table(["organization", "", "difference>", "why"], rows)
        click.echo(", ".join(f"{counts[fate]} {fate.value}" for fate in Fate))
    sys.exit(1 if counts[Fate.SKIPPED] or counts[Fate.FAILED] else 0)
