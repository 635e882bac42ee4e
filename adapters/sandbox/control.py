"""The sandbox's switches over HTTP, under ``/_sandbox``: for a demo, for tests, for the curious."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from adapters.sandbox.chaos import Chaos
from adapters.sandbox.control_body import body
from adapters.sandbox.control_dashboard import dashboard_routes
from adapters.sandbox.dashboard import Dashboard
from adapters.sandbox.faults import Faults
from adapters.sandbox.limits import LIKE, Rates
from adapters.sandbox.refusals import Refused
from adapters.sandbox.transport import Transport
from adapters.sandbox.webhooks import MORE_SECRETS
from adapters.sandbox.world import World


def control(world: World, dashboard: Dashboard, faults: Faults, transport: Transport) -> Blueprint:
    """Every switch there is."""
    routes = Blueprint("control", __name__, url_prefix="/_sandbox")
    _overview(routes, world, faults, transport)
    _faults(routes, faults)
    _clock(routes, world)
    _limits(routes, transport)
    _webhooks(routes, world)
    dashboard_routes(routes, dashboard)

    @routes.before_request
    def pass_time() -> None:
        world.pass_time()

    @routes.errorhandler(Refused)
    def refused(error: Refused) -> ResponseReturnValue:
        return error.body, error.status

    @routes.errorhandler(KeyError)
    @routes.errorhandler(TypeError)
    @routes.errorhandler(ValueError)
    def unusable(error: Exception) -> ResponseReturnValue:
        return {"error": {"type": "invalid_request_error", "message": str(error)}}, 400

    return routes


def _overview(routes: Blueprint, world: World, faults: Faults, transport: Transport) -> None:
    @routes.get("")
    def overview() -> ResponseReturnValue:
        return {
            "now": world.now(),
            "limits": transport.limits.settings(),
            "locks": transport.locks,
            "chaos": world.chaos.settings(),
            "faults": faults.coming(),
            "behaviour": world.behaviour(),
        }

    @routes.post("/behaviour")
    def behave() -> ResponseReturnValue:
        world.behave(body())
        return {"behaviour": world.behaviour()}

    @routes.get("/calls")
    def calls() -> ResponseReturnValue:
        return {"data": list(transport.calls)}


def _faults(routes: Blueprint, faults: Faults) -> None:
    @routes.get("/faults")
    def every_fault() -> ResponseReturnValue:
        return {"data": faults.coming()}

    @routes.post("/faults")
    def add_fault() -> ResponseReturnValue:
        faults.add(**body())
        return {"added": True}

    @routes.delete("/faults")
    def clear_faults() -> ResponseReturnValue:
        faults.clear()
        return {"cleared": True}


def _clock(routes: Blueprint, world: World) -> None:
    @routes.get("/clock")
    def read() -> ResponseReturnValue:
        return {"now": world.now()}

    @routes.post("/clock")
    def set_forward() -> ResponseReturnValue:
        asked = body()
        if len(asked) != 1 or not asked.keys() <= {"advance_s", "now"}:
            raise ValueError("say either advance_s or now, in seconds")
        ahead = asked["advance_s"] if "advance_s" in asked else asked["now"] - world.instant()
        world.advance(ahead)
        return {"now": world.now()}


def _limits(routes: Blueprint, transport: Transport) -> None:
    @routes.post("/limits")
    def enforce() -> ResponseReturnValue:
        asked = body()
        like = asked.pop("like", None)
        if like is not None and like not in LIKE:
            raise ValueError(f"limits are like one of {', '.join(LIKE)}")
        preset = LIKE[like] if like else Rates()
        rates = Rates(**{**vars(preset), **asked}) if preset else None
        transport.enforce(rates)
        return {"limits": transport.limits.settings()}

    @routes.post("/locks")
    def lock() -> ResponseReturnValue:
        transport.lock(bool(body()["on"]))
        return {"locks": transport.locks}


def _webhooks(routes: Blueprint, world: World) -> None:
    @routes.post("/chaos")
    def make_chaos() -> ResponseReturnValue:
        world.make_chaos(Chaos(**body()))
        return {"chaos": world.chaos.settings()}

    @routes.post("/webhooks/secrets")
    def add_secrets() -> ResponseReturnValue:
        secrets = [str(secret) for secret in body()["more"]]
        with world.ledger.transaction():
            world.ledger.keep_setting(MORE_SECRETS, secrets)
        return {"more": secrets}

    @routes.get("/webhooks")
    def owed() -> ResponseReturnValue:
        with world.ledger.transaction():
            return {"data": world.ledger.every_owed()}

    @routes.post("/events/<event>/resend")
    def resend(event: str) -> ResponseReturnValue:
        with world.ledger.transaction():
            world.need("event", event, "id")
            world.ledger.owe_delivery(event, world.instant(), 0)
        return {"owed": event}
