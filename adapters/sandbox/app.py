"""Our Stripe simulator as a Flask app: a door for Stripe's API, and switches beside it."""

import time
from dataclasses import dataclass

from flask import Flask, Response, request

from adapters.sandbox import auto_advance, renewals
from adapters.sandbox.control import control
from adapters.sandbox.dashboard import Dashboard
from adapters.sandbox.door import Door
from adapters.sandbox.faults import Faults
from adapters.sandbox.ledger import Ledger
from adapters.sandbox.request import Reply
from adapters.sandbox.routes import ROUTES
from adapters.sandbox.transport import Sleep, Transport
from adapters.sandbox.world import Clock, World

FATE = "Sandbox-Fate"
"""Tells whoever carries an answer that it must not arrive, or not whole."""

METHODS = ("GET", "POST", "DELETE", "PUT", "PATCH")


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """The parts of a running sandbox, at ``app.extensions["sandbox"]``."""

    world: World
    faults: Faults
    transport: Transport
    dashboard: Dashboard
    door: Door


def create_sandbox(
    store: Ledger,
    *,
    clock: Clock = time.time,
    sleep: Sleep = time.sleep,
    takes_invoice_metadata: bool = True,
    delivers: bool = False,
    minimum_charge: bool = False,
) -> Flask:
    """A Stripe small enough to read.

    store: where it remembers. clock, sleep: its time; ``sleep`` is what slow answers take.
    delivers: whether webhooks are owed to somebody. takes_invoice_metadata: whether bulk calls
    honour ``invoice_metadata``.
    """
    world = World(
        ledger=store,
        clock=clock,
        takes_invoice_metadata=takes_invoice_metadata,
        delivers=delivers,
        minimum_charge=minimum_charge,
    )
    renewals.register(world)
    auto_advance.register(world)
    faults = Faults()
    transport = Transport(world, faults, sleep)
    sandbox = Sandbox(
        world=world,
        faults=faults,
        transport=transport,
        dashboard=Dashboard(world),
        door=Door(transport, ROUTES),
    )
    app = Flask("sandbox", static_folder=None)
    app.extensions["sandbox"] = sandbox
    app.register_blueprint(control(world, sandbox.dashboard, faults, transport))
    _open(app, sandbox.door)
    return app


def _open(app: Flask, door: Door) -> None:
    """Lead everything that is no switch to the door."""

    @app.route("/", defaults={"path": ""}, methods=METHODS)
    @app.route("/<path:path>", methods=METHODS)
    def api(path: str) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = request.get_data(as_text=True)
        query = request.query_string.decode("utf-8", "replace")
        return _response(door.answer(request.method, f"/{path}", query, headers, body))


def _response(reply: Reply) -> Response:
    response = Response(reply.body, reply.status, mimetype="application/json")
    response.headers.update(reply.headers)
    if reply.fate != "sent":
        response.headers[FATE] = reply.fate
    return response
