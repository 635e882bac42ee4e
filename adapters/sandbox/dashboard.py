"""What a person could do in Stripe's Dashboard, and the switches for trouble: ``/_sandbox``."""

from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from adapters.sandbox import invoices, lines
from adapters.sandbox.faults import Faults
from adapters.sandbox.ledger import Thing
from adapters.sandbox.refusals import Refused
from adapters.sandbox.transport import Transport
from adapters.sandbox.world import World

ACTIONS = {
    "finalize": invoices.finalize,
    "pay": invoices.pay,
    "void": invoices.void,
    "mark_uncollectible": invoices.mark_uncollectible,
    "delete": invoices.delete,
}


class Dashboard:
    """A person at work behind our back. Every change makes the same events as the API."""

    def __init__(self, world: World) -> None:
        self._world = world

    def add_line(self, invoice: str, amount: int, description: str, **more: Any) -> Thing:
        """Put a line on a draft by hand."""
        row = {"amount": amount, "description": description, **more}
        with self._world.ledger.transaction():
            return lines.add(self._world, {"lines": [row]}, invoice)

    def edit_line(self, line: str, **fields: Any) -> Thing:
        """Change a line's amount or description."""
        with self._world.ledger.transaction():
            invoice = self._world.need("line", line, "id")["invoice"]
            return lines.update(self._world, {"lines": [{"id": line, **fields}]}, invoice)

    def remove_line(self, line: str) -> Thing:
        """Take a line off a draft."""
        with self._world.ledger.transaction():
            invoice = self._world.need("line", line, "id")["invoice"]
            return lines.remove(self._world, {"lines": [{"id": line}]}, invoice)

    def act(self, invoice: str, action: str) -> Thing:
        """Finalize, pay, void, mark as uncollectible or delete an invoice."""
        with self._world.ledger.transaction():
            return ACTIONS[action](self._world, {}, invoice)


def control(dashboard: Dashboard, faults: Faults, transport: Transport) -> Blueprint:
    """The same over HTTP, for a demo and for tests in other processes."""
    routes = Blueprint("control", __name__, url_prefix="/_sandbox")

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

    @routes.errorhandler(Refused)
    def refused(error: Refused) -> ResponseReturnValue:
        return error.body, error.status

    @routes.errorhandler(TypeError)
    @routes.errorhandler(ValueError)
    def unusable(error: Exception) -> ResponseReturnValue:
        return {"error": {"type": "invalid_request_error", "message": str(error)}}, 400

    return routes


def _body() -> dict[str, Any]:
    body = request.get_json()
    if not isinstance(body, dict):
        raise ValueError("send a JSON object")
    return body
