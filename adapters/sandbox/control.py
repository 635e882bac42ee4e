"""The Dashboard and the switches for trouble over HTTP: ``/_sandbox``, for a demo and for tests."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from adapters.sandbox.dashboard import Dashboard
from adapters.sandbox.faults import Faults
from adapters.sandbox.ledger import Thing
from adapters.sandbox.refusals import Refused
from adapters.sandbox.transport import Transport


def control(dashboard: Dashboard, faults: Faults, transport: Transport) -> Blueprint:
    """Every switch there is."""
    routes = Blueprint("control", __name__, url_prefix="/_sandbox")
    _faults(routes, faults, transport)
    _drafts(routes, dashboard)
    _issued(routes, dashboard)

    @routes.errorhandler(Refused)
    def refused(error: Refused) -> ResponseReturnValue:
        return error.body, error.status

    @routes.errorhandler(TypeError)
    @routes.errorhandler(ValueError)
    def unusable(error: Exception) -> ResponseReturnValue:
        return {"error": {"type": "invalid_request_error", "message": str(error)}}, 400

    return routes


def _faults(routes: Blueprint, faults: Faults, transport: Transport) -> None:
    @routes.post("/faults")
    def add_fault() -> ResponseReturnValue:
        faults.add(**_body())
        return {"added": True}

    @routes.delete("/faults")
    def clear_faults() -> ResponseReturnValue:
        faults.clear()
        return {"cleared": True}

    @routes.get("/calls")
    def calls() -> ResponseReturnValue:
        return {"data": list(transport.calls)}


def _drafts(routes: Blueprint, dashboard: Dashboard) -> None:
    @routes.post("/invoices/<invoice>/lines")
    def add_line(invoice: str) -> ResponseReturnValue:
        return dashboard.add_line(invoice, **_body())

    @routes.post("/lines/<line>")
    def edit_line(line: str) -> ResponseReturnValue:
        return dashboard.edit_line(line, **_body())

    @routes.delete("/lines/<line>")
    def remove_line(line: str) -> ResponseReturnValue:
        return dashboard.remove_line(line)

    @routes.post("/invoices/<invoice>/<any(finalize,pay,void,mark_uncollectible,delete):action>")
    def act(invoice: str, action: str) -> ResponseReturnValue:
        return dashboard.act(invoice, action)


def _issued(routes: Blueprint, dashboard: Dashboard) -> None:
    ways: dict[str, Callable[..., Thing]] = {
        "decline": dashboard.decline,
        "ask_customer": dashboard.ask_customer,
        "overdue": dashboard.overdue,
        "credit": dashboard.credit,
        "refund": dashboard.refund,
        "dispute": dashboard.dispute,
    }

    @routes.post(
        "/invoices/<invoice>/<any(decline,ask_customer,overdue,credit,refund,dispute):happens>"
    )
    def happen(invoice: str, happens: str) -> ResponseReturnValue:
        return ways[happens](invoice, **_body())

    @routes.post("/disputes/<dispute>")
    def decide(dispute: str) -> ResponseReturnValue:
        return dashboard.decide(dispute, **_body())


def _body() -> dict[str, Any]:
    body = request.get_json()
    if not isinstance(body, dict):
        raise ValueError("send a JSON object")
    return body
