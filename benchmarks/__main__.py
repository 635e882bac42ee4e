"""``python -m benchmarks [NAME...]``: measure, and print one table."""

from collections.abc import Iterator, Sequence
from importlib import import_module

import click

from benchmarks.machine import FULL, QUICK, Machine, Sizes, machine, progress
from benchmarks.report import Finding, print_json, print_table

SUBJECTS = (
    "rating",
    "recorder",
    "group_commit",
    "attach",
    "http",
    "intake",
    "invoices",
    "pages",
    "closing",
    "projector",
    "syncing",
    "syncing_month",
)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("subjects", nargs=-1, type=click.Choice(SUBJECTS))
@click.option("--quick", is_flag=True, help="About a minute; less data, one round.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def main(subjects: tuple[str, ...], quick: bool, as_json: bool) -> None:
    """Measure SUBJECTS, or everything, on an embedded PostgreSQL or BENCH_DATABASE_URL's server.

    A goal that is not met is a line of the table, not a failure: machines differ.
    """
    findings: list[Finding] = []
    try:
        for each in measure(subjects or SUBJECTS, QUICK if quick else FULL):
            findings += each
    finally:  # what was found before somebody lost patience is worth showing
        (print_json if as_json else print_table)(findings)


def measure(subjects: Sequence[str], sizes: Sizes) -> Iterator[list[Finding]]:
    """What the benchmarks of these names find, one after the other."""
    with machine(sizes) as found:
        for subject in subjects:
            progress(subject)
            yield run(subject, found)


def run(subject: str, found: Machine) -> list[Finding]:
    """One benchmark."""
    results: list[Finding] = import_module(f"benchmarks.{subject}").run(found)
    return results


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
