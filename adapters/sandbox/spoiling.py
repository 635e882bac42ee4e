"""What a fault does to a call: before it is carried out, and to its answer."""

import json
from collections.abc import Mapping
from typing import Any

from adapters.sandbox.faults import Fault
from adapters.sandbox.ledger import Ledger
from adapters.sandbox.refusals import (
    failure,
    forbidden,
    in_flight,
    locked,
    rate_limited,
    unauthorized,
)
from adapters.sandbox.request import Fate, Reply

FATES: Mapping[str, Fate] = {
    "dropped": "lost",
    "lost_response": "lost",
    "hang": "lost",
    "cut": "cut",
}


def refuse_early(fault: Fault | None, key: str | None) -> None:
    """Raise what a call meets before anything is done, and before its key is looked at.

    Raises:
        Refused: such a fault was asked for.
    """
    if fault is None:
        return
    match fault.fault:
        case "rate_limit":
            raise rate_limited(fault.reason)
        case "lock_timeout":
            raise locked()
        case "key_in_use":
            raise in_flight(key or "")
        case "unauthorized":
            raise unauthorized()
        case "forbidden":
            raise forbidden()
        case "error_before" | "dropped":
            raise failure(fault.status)


def halve(fault: Fault | None, params: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a call that is to be carried out in part."""
    if fault and fault.fault == "partial" and "lines" in params:
        return {**params, "lines": params["lines"][: len(params["lines"]) // 2]}
    return params


def failed(fault: Fault | None, request: str) -> Reply | None:
    """The failure that is answered, and stored, for a call that was carried out."""
    if fault and fault.fault in ("error_after", "partial", "error_kept"):
        refused = failure(fault.status)
        return Reply(status=refused.status, body=refused.answer(request))
    return None


def spoil(reply: Reply, fault: Fault | None, ledger: Ledger) -> None:
    """Change an answer on its way back."""
    if fault is None:
        return
    if fault.fault in FATES:
        reply.fate = FATES[fault.fault]
    if fault.fault == "bad_json" and reply.status == 200:
        reply.body = reply.body[: len(reply.body) // 2]
    if fault.fault == "wrong_object" and reply.status == 200:
        reply.body = json.dumps(_another(json.loads(reply.body), ledger))
    if fault.should_retry is not None:
        reply.headers["Stripe-Should-Retry"] = str(fault.should_retry).lower()
    if fault.retry_after is not None:
        reply.headers["Retry-After"] = str(fault.retry_after)


def _another(thing: dict[str, Any], ledger: Ledger) -> dict[str, Any]:
    """Another object of the same kind, or an empty list instead of a full one."""
    if thing.get("object") == "list":
        return {**thing, "data": [], "has_more": False}
    with ledger.transaction():
        other = ledger.other(str(thing.get("object")), str(thing.get("id")))
    return {**thing, **(other or {"id": f"{thing.get('id')}other"})}
