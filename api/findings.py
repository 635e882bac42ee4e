"""A reconciliation's report as programs read it: JSON and CSV."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any

from api.schemas.reconciliations import FindingSchema, ReconciliationSchema
from api.spreadsheet import cell
from application.reconciling.ports import Asked, Report
from projections.reconciliation import Finding

ASKED = tuple(each.name for each in fields(Asked))
COLUMNS = tuple(FindingSchema().fields)


def shown(report: Report) -> dict[str, Any]:
    """A report and what was asked, side by side, as the schema wants them."""
    own = {name: getattr(report, name, None) for name in ReconciliationSchema().fields}
    window = {name: getattr(report.asked, name) for name in ASKED}
    return {**own, **window, "reconciliation": str(report.id)}


def report_json(report: Report) -> dict[str, Any]:
    """A report."""
    dumped: dict[str, Any] = ReconciliationSchema().dump(shown(report))
    return dumped


def finding_json(finding: Finding) -> dict[str, Any]:
    """A finding."""
    dumped: dict[str, Any] = FindingSchema().dump(finding)
    return dumped


def csv_lines(findings: Iterable[Finding]) -> Iterator[str]:
    """A table of findings with a first line of names, a line at a time."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    for row in _rows(findings):
        writer.writerow(row)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _rows(findings: Iterable[Finding]) -> Iterator[Iterable[object]]:
    yield COLUMNS
    for finding in findings:
        yield [cell(value) for value in finding_json(finding).values()]
