"""Cases: customers report a wrong bill, support answers, and both read what happened."""

from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from api.auth import ADMINS, ORGANIZATION, READERS, STAFF
from api.context import now, wired
from api.endpoint import principal
from api.instants import format_instant
from api.openapi import ApiBook
from api.schemas.cases import (
    CaseListQuery,
    CasePageSchema,
    CaseReceiptSchema,
    CaseResolutionSchema,
    CaseSchema,
    CaseWordsSchema,
    CommentSchema,
    ErasedSchema,
    NewCaseSchema,
    OwnCaseListQuery,
)
from application.case_screens import NewCase
from application.case_texts import ERASED
from application.case_views import CaseFilter, CasePage, CaseReceipt, CaseView
from domain.case import CUSTOMER, PUBLIC, SUPPORT, Resolution
from domain.events.case import CaseReported

book = ApiBook("cases")

OWN = "/v1/organizations/<organization>/cases"
ALL = "/v1/cases"
TEXT: dict[str, str] = {"text": "We had two machines in January, not four."}
BY_READERS: dict[str, Any] = {"roles": READERS, "out": CaseReceiptSchema(), "keyed": True}
BY_STAFF: dict[str, Any] = {"roles": STAFF, "out": CaseReceiptSchema(), "keyed": True}


@book.op(
    "POST",
    OWN,
    body=NewCaseSchema(),
    status=201,
    example={**TEXT, "cycle": "acme.2026-01-01", "line": "fee/web/machine@1"},
    **BY_READERS,
)
def report_case(organization: str, body: dict[str, Any]) -> CaseReceipt:
    """Report a wrong bill, and keep what was seen. The same case again does nothing."""
    return wired().cases.report(
        organization, NewCase(**body), by=_side(), actor=principal().actor, at=now()
    )


@book.op("GET", OWN, roles=READERS, query=OwnCaseListQuery(), out=CasePageSchema())
def list_own_cases(organization: str, query: dict[str, Any]) -> dict[str, Any]:
    """The cases of an organization, the newest first."""
    wired().registration.get(organization)
    return _page(query | {"organization": organization})


@book.op("GET", f"{OWN}/<case>", roles=READERS, out=CaseSchema())
def get_case(organization: str, case: str) -> dict[str, Any]:
    """A case with all that happened. Customers do not see internal comments."""
    cases, for_staff = wired().cases, _side() == SUPPORT
    view = cases.get(case, organization)
    return _shown(view) | {"timeline": cases.timeline(case, for_staff, organization)}


@book.op("POST", f"{OWN}/<case>/comment", body=CaseWordsSchema(), example=TEXT, **BY_READERS)
def comment_publicly(organization: str, case: str, body: dict[str, Any]) -> CaseReceipt:
    """Write to a case; everybody who sees the case reads it."""
    wired().cases.get(case, organization)
    return wired().cases.comment(
        case, body["text"], PUBLIC, by=_side(), actor=principal().actor, at=now()
    )


@book.op("POST", f"{OWN}/<case>/reopen", body=CaseWordsSchema(), example=TEXT, **BY_READERS)
def reopen_case(organization: str, case: str, body: dict[str, Any]) -> CaseReceipt:
    """Say why the answer will not do; customers may within 30 days of it."""
    wired().cases.get(case, organization)
    return wired().cases.reopen(case, body["text"], by=_side(), actor=principal().actor, at=now())


@book.op("GET", ALL, roles=STAFF, query=CaseListQuery(), out=CasePageSchema())
def list_cases(query: dict[str, Any]) -> dict[str, Any]:
    """The cases of all organizations, the newest first."""
    return _page(query)


@book.op("POST", f"{ALL}/<case>/acknowledge", **BY_STAFF)
def acknowledge_case(case: str) -> CaseReceipt:
    """Tell the customer that somebody looks into it. Twice does nothing."""
    return wired().cases.acknowledge(case, actor=principal().actor, at=now())


@book.op(
    "POST",
    f"{ALL}/<case>/comment",
    body=CommentSchema(),
    example={"text": "The meter in Frankfurt counted twice.", "visibility": "internal"},
    **BY_STAFF,
)
def comment_as_support(case: str, body: dict[str, Any]) -> CaseReceipt:
    """Write to a case: to the customer, or for support alone."""
    return wired().cases.comment(case, **body, by=SUPPORT, actor=principal().actor, at=now())


@book.op(
    "POST",
    f"{ALL}/<case>/resolve",
    body=CaseResolutionSchema(),
    example={
        "kind": "credited",
        "text": "You are right. We took 48.00 USD off your next bill.",
        "credit": "k1",
    },
    **BY_STAFF,
)
def resolve_case(case: str, body: dict[str, Any]) -> CaseReceipt:
    """Answer a case: what was found, the words for the customer, and what was done."""
    text = body.pop("text")
    return wired().cases.resolve(case, Resolution(**body), text, actor=principal().actor, at=now())


@book.op("DELETE", f"{ALL}/<case>/texts/<text>", roles=ADMINS, out=ErasedSchema())
def erase_case_text(case: str, text: str) -> dict[str, str]:
    """Erase what somebody wrote, for good; the case stays as it is. Twice does nothing."""
    wired().cases.erase(case, text, actor=principal().actor, at=now())
    return {"case": case, "text_id": text, "text_state": ERASED}


def _side() -> str:
    return CUSTOMER if principal().role == ORGANIZATION else SUPPORT


def _page(query: dict[str, Any]) -> dict[str, Any]:
    after, limit = query.pop("cursor"), query.pop("limit")
    page: CasePage = wired().cases.list(CaseFilter(**query), after, limit)
    cursor = page.next_cursor
    return {"data": page.data, "next_cursor": None if cursor is None else str(cursor)}


def _shown(view: CaseView) -> dict[str, Any]:
    return asdict(view.summary) | {
        "text": view.text,
        "text_state": view.text_state,
        "seen": _seen(view.report),
        "found": view.resolution,
        "reopen_until": view.reopen_until,
    }


def _seen(report: CaseReported) -> dict[str, Any]:
    return {
        "known_at": report.known_at,
        "as_of": report.as_of,
        "position": report.position,
        "digest": report.digest,
        "total": report.total,
        "amount": report.amount,
        "currency": report.currency,
        "replay": _replay(report),
    }


def _replay(report: CaseReported) -> str | None:
    """The address of the invoice as they saw it."""
    if report.cycle is None:
        return None
    instants = {"known_at": report.known_at, "as_of": report.as_of}
    query = urlencode({name: format_instant(at) for name, at in instants.items() if at})
    return f"/v1/invoices/{report.cycle}?{query}"
