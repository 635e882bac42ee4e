"""Our Stripe simulator as a Flask app: the endpoints we use, as Stripe answers them."""

import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypedDict

import stripe.params as shapes
from flask import Flask, Response, request
from stripe.params.billing_portal import SessionCreateParams
from werkzeug.exceptions import HTTPException

from adapters.sandbox import credit_notes, customers, invoices, lines, payments, refunds
from adapters.sandbox.control import control
from adapters.sandbox.dashboard import Dashboard
from adapters.sandbox.faults import Faults
from adapters.sandbox.ledger import Ledger
from adapters.sandbox.params import unfold
from adapters.sandbox.refusals import Refused, unauthorized
from adapters.sandbox.transport import Arrived, Handler, Reply, Transport
from adapters.sandbox.world import API_VERSION, Clock, World

SILENCE = "Sandbox-Silence"
"""Marks an answer that must not arrive, for clients in the same process."""


class NoParams(TypedDict):
    """An endpoint without parameters."""


Route = tuple[str, str, Handler, Any]

ROUTES: tuple[Route, ...] = (
    ("POST", "/v1/customers", customers.create, shapes.CustomerCreateParams),
    ("GET", "/v1/customers", customers.every, shapes.CustomerListParams),
    ("GET", "/v1/customers/<id_>", customers.retrieve, shapes.CustomerRetrieveParams),
    ("POST", "/v1/customers/<id_>", customers.update, shapes.CustomerUpdateParams),
    ("POST", "/v1/billing_portal/sessions", customers.open_portal, SessionCreateParams),
    ("GET", "/v1/events", customers.events, shapes.EventListParams),
    ("GET", "/v1/events/<id_>", customers.retrieve_event, shapes.EventRetrieveParams),
    ("POST", "/v1/invoices", invoices.create, shapes.InvoiceCreateParams),
    ("GET", "/v1/invoices", invoices.every, shapes.InvoiceListParams),
    ("GET", "/v1/invoices/<id_>", invoices.retrieve, shapes.InvoiceRetrieveParams),
    ("POST", "/v1/invoices/<id_>", invoices.update, shapes.InvoiceUpdateParams),
    ("DELETE", "/v1/invoices/<id_>", invoices.delete, NoParams),
    ("GET", "/v1/invoices/<id_>/lines", lines.every, shapes.InvoiceLineItemListParams),
    ("POST", "/v1/invoices/<id_>/add_lines", lines.add, shapes.InvoiceAddLinesParams),
    ("POST", "/v1/invoices/<id_>/update_lines", lines.update, shapes.InvoiceUpdateLinesParams),
    ("POST", "/v1/invoices/<id_>/remove_lines", lines.remove, shapes.InvoiceRemoveLinesParams),
    ("POST", "/v1/invoices/<id_>/finalize", invoices.finalize, shapes.InvoiceFinalizeInvoiceParams),
    ("POST", "/v1/invoices/<id_>/pay", invoices.pay, shapes.InvoicePayParams),
    ("POST", "/v1/invoices/<id_>/void", invoices.void, shapes.InvoiceVoidInvoiceParams),
    (
        "POST",
        "/v1/invoices/<id_>/mark_uncollectible",
        invoices.mark_uncollectible,
        shapes.InvoiceMarkUncollectibleParams,
    ),
    ("GET", "/v1/invoice_payments", payments.every, shapes.InvoicePaymentListParams),
    (
        "GET",
        "/v1/invoice_payments/<id_>",
        payments.retrieve,
        shapes.InvoicePaymentRetrieveParams,
    ),
    (
        "GET",
        "/v1/payment_intents/<id_>",
        payments.retrieve_intent,
        shapes.PaymentIntentRetrieveParams,
    ),
    ("GET", "/v1/charges/<id_>", payments.retrieve_charge, shapes.ChargeRetrieveParams),
    ("POST", "/v1/credit_notes", credit_notes.create, shapes.CreditNoteCreateParams),
    ("GET", "/v1/credit_notes", credit_notes.every, shapes.CreditNoteListParams),
    ("GET", "/v1/credit_notes/preview", credit_notes.preview, shapes.CreditNotePreviewParams),
    ("GET", "/v1/credit_notes/<id_>", credit_notes.retrieve, shapes.CreditNoteRetrieveParams),
    (
        "GET",
        "/v1/credit_notes/<id_>/lines",
        credit_notes.lines,
        shapes.CreditNoteLineItemListParams,
    ),
    ("GET", "/v1/refunds", refunds.every, shapes.RefundListParams),
    ("GET", "/v1/refunds/<id_>", refunds.retrieve, shapes.RefundRetrieveParams),
    ("GET", "/v1/disputes", refunds.every_dispute, shapes.DisputeListParams),
    ("GET", "/v1/disputes/<id_>", refunds.retrieve_dispute, shapes.DisputeRetrieveParams),
)


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """The parts of a running sandbox, at ``app.extensions["sandbox"]``."""

    world: World
    faults: Faults
    transport: Transport
    dashboard: Dashboard


def create_sandbox(
    store: Ledger,
    *,
    clock: Clock = time.time,
    takes_invoice_metadata: bool = True,
    delivers: bool = False,
) -> Flask:
    """A Stripe small enough to read.

    store: where it remembers. delivers: whether webhooks are owed to somebody.
    takes_invoice_metadata: whether bulk calls honour ``invoice_metadata``.
    """
    world = World(
        ledger=store,
        clock=clock,
        takes_invoice_metadata=takes_invoice_metadata,
        delivers=delivers,
    )
    faults = Faults()
    transport = Transport(world, faults)
    dashboard = Dashboard(world)
    app = Flask("sandbox")
    app.extensions["sandbox"] = Sandbox(
        world=world, faults=faults, transport=transport, dashboard=dashboard
    )
    for method, rule, handler, shape in ROUTES:
        view = _view(world, transport, handler, shape)
        app.add_url_rule(rule, f"{method} {rule}", view, methods=[method])
    app.register_blueprint(control(dashboard, faults, transport))
    app.register_error_handler(HTTPException, _no_such_url)
    return app


def _view(
    world: World, transport: Transport, handler: Handler, shape: Any
) -> Callable[..., Response]:
    def view(**ids: str) -> Response:
        number = f"req_{time.time_ns():x}"
        try:
            _authenticate()
            pairs = request.args if request.method in ("GET", "DELETE") else request.form
            arrived = Arrived(
                method=request.method,
                path=request.path,
                params=unfold(pairs.items(multi=True)),
                key=request.headers.get("Idempotency-Key"),
                request=number,
            )
            reply = transport.carry_out(arrived, handler, shape, ids)
        except Refused as refused:
            reply = Reply(status=refused.status, body=json.dumps(refused.body))
        return _response(reply, number)

    return view


def _authenticate() -> None:
    """Accept a secret key as Bearer token or as user name, as Stripe does."""
    given = request.authorization
    key = (given.token or given.username) if given else None
    if not key or not key.startswith(("sk_", "rk_")):
        raise unauthorized()


def _response(reply: Reply, number: str) -> Response:
    response = Response(reply.body, reply.status, mimetype="application/json")
    response.headers.update(reply.headers)
    response.headers["Request-Id"] = number
    response.headers["Stripe-Version"] = request.headers.get("Stripe-Version", API_VERSION)
    if reply.silent:
        response.headers[SILENCE] = "1"
        _hang_up()
    return response


def _hang_up() -> None:
    """Close the connection under the answer, where there is one."""
    connection = request.environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        connection.shutdown(socket.SHUT_RDWR)


def _no_such_url(error: HTTPException) -> Response:
    message = f"Unrecognized request URL ({request.method}: {request.path})."
    refused = Refused(message, status=error.code or 404)
    return Response(json.dumps(refused.body), refused.status, mimetype="application/json")
