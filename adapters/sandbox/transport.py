"""How a request passes through the sandbox: key, faults, parameters, idempotency, answer."""

import hashlib
import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from adapters.sandbox.faults import Fault, Faults
from adapters.sandbox.ledger import Thing
from adapters.sandbox.params import check
from adapters.sandbox.refusals import (
    LOCKED,
    RATE_LIMITED,
    Refused,
    failure,
    in_flight,
    key_reused,
)
from adapters.sandbox.world import World

KEY_KEPT_S = 86_400
CALLS_KEPT_MAX = 10_000

Handler = Callable[..., Thing]


@dataclass(frozen=True, kw_only=True)
class Arrived:
    """A request as it came in. params: brackets unfolded, nothing checked yet."""

    method: str
    path: str
    params: Mapping[str, Any]
    key: str | None
    request: str


@dataclass(kw_only=True)
class Reply:
    """What goes back. silent: the call is done, but its answer never arrives."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)
    silent: bool = False


class Transport:
    """Carries requests out, each at most once under its idempotency key."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world = world
        self._faults = faults
        self._lock = Lock()
        self._executing: set[str] = set()
        self.calls: deque[dict[str, Any]] = deque(maxlen=CALLS_KEPT_MAX)

    def carry_out(
        self, arrived: Arrived, handler: Handler, shape: Any, ids: Mapping[str, str]
    ) -> Reply:
        """Answer one request."""
        fault = self._faults.meet(arrived.method, arrived.path)
        try:
            reply = self._guarded(arrived, handler, shape, ids, fault)
        except Refused as refused:
            reply = Reply(status=refused.status, body=json.dumps(refused.body))
        if fault and fault.fault in ("lost_response", "hang"):
            reply.silent = True
        if fault and fault.fault == "rate_limit":
            reply.headers["Stripe-Rate-Limited-Reason"] = "endpoint-rate"
        self._log(arrived, reply)
        return reply

    def _guarded(
        self,
        arrived: Arrived,
        handler: Handler,
        shape: Any,
        ids: Mapping[str, str],
        fault: Fault | None,
    ) -> Reply:
        _fail_early(fault)
        key = arrived.key if arrived.method == "POST" else None
        if key is None:
            return self._execute(arrived, handler, check(arrived.params, shape), ids, fault, None)
        self._claim(key)
        try:
            if stored := self._stored(arrived, key):
                return stored
            params = check(arrived.params, shape)
            reply = self._execute(arrived, handler, params, ids, fault, key)
            if fault and fault.fault == "hang":
                time.sleep(fault.seconds)
            return reply
        finally:
            self._release(key)

    def _execute(
        self,
        arrived: Arrived,
        handler: Handler,
        params: dict[str, Any],
        ids: Mapping[str, str],
        fault: Fault | None,
        key: str | None,
    ) -> Reply:
        """Run a handler and keep its answer, both or neither."""
        if fault and fault.fault == "partial" and "lines" in params:
            params = {**params, "lines": params["lines"][: len(params["lines"]) // 2]}
        try:
            with self._world.ledger.transaction():
                self._world.cause = {"id": arrived.request, "idempotency_key": key}
                body = json.dumps(handler(self._world, params, *ids.values()))
                status = 200
                if fault and fault.fault in ("error_after", "partial"):
                    status, body = 500, json.dumps(failure().body)
                self._keep(arrived, key, status, body)
        except Refused as refused:
            if refused.stored:
                with self._world.ledger.transaction():
                    self._keep(arrived, key, refused.status, json.dumps(refused.body))
            raise
        return Reply(status=status, body=body)

    def _keep(self, arrived: Arrived, key: str | None, status: int, body: str) -> None:
        if key is not None:
            content, now = _fingerprint(arrived.params), self._world.now()
            self._world.ledger.keep_answer(
                key, arrived.path, content, status, body, arrived.request, now
            )

    def _stored(self, arrived: Arrived, key: str) -> Reply | None:
        since = self._world.now() - KEY_KEPT_S
        with self._world.ledger.transaction():
            found = self._world.ledger.answer(key, since)
        if found is None:
            return None
        endpoint, content, status, body, request = found
        if (endpoint, content) != (arrived.path, _fingerprint(arrived.params)):
            raise key_reused(key, arrived.path, endpoint)
        headers = {"Idempotent-Replayed": "true", "Original-Request": request}
        return Reply(status=status, body=body, headers=headers)

    def _claim(self, key: str) -> None:
        with self._lock:
            if key in self._executing:
                raise in_flight(key)
            self._executing.add(key)

    def _release(self, key: str) -> None:
        with self._lock:
            self._executing.discard(key)

    def _log(self, arrived: Arrived, reply: Reply) -> None:
        self.calls.append(
            {
                "method": arrived.method,
                "path": arrived.path,
                "key": arrived.key,
                "status": reply.status,
                "replayed": "Idempotent-Replayed" in reply.headers,
                "silent": reply.silent,
            }
        )


def _fail_early(fault: Fault | None) -> None:
    """Faults that strike before anything is done."""
    if fault is None:
        return
    if fault.fault == "rate_limit":
        raise Refused(RATE_LIMITED, status=429, code="rate_limit", stored=False)
    if fault.fault == "lock_timeout":
        raise Refused(LOCKED, status=429, code="lock_timeout", stored=False)
    if fault.fault == "error_before":
        raise failure()


def _fingerprint(params: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()
