"""Reconciliations: asked for here, carried out by a worker, their reports served."""

from typing import Any

from flask import Response

from api.auth import STAFF
from api.context import wired
from api.endpoint import json_response, principal
from api.findings import csv_lines, report_json, shown
from api.openapi import ApiBook
from api.schemas.reconciliations import (
    FindingPageSchema,
    ReconciliationListQuery,
    ReconciliationPageSchema,
    ReconciliationRequestSchema,
    ReconciliationSchema,
)
from application.reconciling.ports import Asked
from domain.errors import InvalidInput, NotFound

book = ApiBook("reconciliations")

ALL = "/v1/reconciliations"
ONE = f"{ALL}/<reconciliation>"
CSV = "text/csv; charset=utf-8"
NUMBER_DIGITS_MAX = 18


@book.op(
    "POST",
    ALL,
    roles=STAFF,
    body=ReconciliationRequestSchema(),
    out=ReconciliationSchema(),
    status=202,
    keyed=True,
    example={"from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z", "repair": False},
)
def reconcile(body: dict[str, Any]) -> Response:
    """Compare the cycles of a window with their events and with Stripe. A worker does it.

    Answered at once; ``Location`` is where the report is to be found.
    """
    report = wired().reconciliations.request(Asked(**body), principal().actor)
    response = json_response(report_json(report), 202)
    response.headers["Location"] = f"{ALL}/{report.id}"
    return response


@book.op("GET", ALL, roles=STAFF, query=ReconciliationListQuery(), out=ReconciliationPageSchema())
def list_reconciliations(query: dict[str, Any]) -> dict[str, Any]:
    """All reconciliations, the newest first."""
    before = _cursor(query["cursor"])
    reports = wired().reconciliations.list(before, query["limit"] + 1)
    page, rest = reports[: query["limit"]], reports[query["limit"] :]
    return {
        "data": [shown(each) for each in page],
        "next_cursor": str(page[-1].id) if rest else None,
    }


@book.op("GET", ONE, roles=STAFF, out=ReconciliationSchema())
def get_reconciliation(reconciliation: str) -> dict[str, Any]:
    """How far a reconciliation is, and what it found so far, by kind."""
    return shown(wired().reconciliations.get(_number(reconciliation)))


@book.op(
    "GET",
    f"{ONE}/findings",
    roles=STAFF,
    query=ReconciliationListQuery(),
    out=FindingPageSchema(),
)
def list_findings(reconciliation: str, query: dict[str, Any]) -> dict[str, Any]:
    """Everything a reconciliation found."""
    use_case, number = wired().reconciliations, _number(reconciliation)
    use_case.get(number)
    found = use_case.findings(number, _cursor(query["cursor"]) or 0, query["limit"] + 1)
    page, rest = found[: query["limit"]], found[query["limit"] :]
    return {
        "data": [finding for _, finding in page],
        "next_cursor": str(page[-1][0]) if rest else None,
    }


@book.op("GET", f"{ONE}/findings.csv", roles=STAFF)
def download_findings(reconciliation: str) -> Response:
    """The same as one CSV table."""
    use_case, number = wired().reconciliations, _number(reconciliation)
    use_case.get(number)
    response = Response(csv_lines(use_case.every_finding(number)), content_type=CSV)
    name = f"reconciliation-{number}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _number(reconciliation: str) -> int:
    if not _is_number(reconciliation):
        raise NotFound(f"there is no reconciliation {reconciliation}")
    return int(reconciliation)


def _cursor(text: str | None) -> int | None:
    if text is None:
        return None
    if not _is_number(text):
        raise InvalidInput("not a cursor of this list", field="cursor")
    return int(text)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= NUMBER_DIGITS_MAX
