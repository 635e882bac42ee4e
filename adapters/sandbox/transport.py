"""How a request passes through the sandbox: limits, faults, key, parameters, work, answer."""

import json
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from adapters.sandbox import spoiling
from adapters.sandbox.faults import Fault, Faults
from adapters.sandbox.idempotency import Answers, Claims
from adapters.sandbox.ledger import Thing
from adapters.sandbox.limits import Limits, Rates
from adapters.sandbox.params import check
from adapters.sandbox.refusals import Refused, locked
from adapters.sandbox.request import Arrived, Reply
from adapters.sandbox.world import World

CALLS_KEPT_MAX = 10_000

Handler = Callable[..., Thing]
Sleep = Callable[[float], None]


class Transport:
    """Carries requests out, each at most once under its idempotency key.

    locks: whether a second writer to an object in use is refused with ``lock_timeout``, as at
    Stripe, instead of waiting for its turn. calls: the last requests and what was answered.
    """

    def __init__(self, world: World, faults: Faults, sleep: Sleep = time.sleep) -> None:
        self._world = world
        self._faults = faults
        self._sleep = sleep
        self._answers = Answers(world)
        self._objects = Claims()
        rates = world.ledger.setting("rates", None)
        self.limits = Limits(world.instant, Rates(**rates) if rates else None)
        self.locks = bool(world.ledger.setting("locks", False))
        self.calls: deque[dict[str, Any]] = deque(maxlen=CALLS_KEPT_MAX)

    def enforce(self, rates: Rates | None) -> None:
        """Hold callers to these rates from now on, also after a restart; ``None`` to none."""
        self.limits.enforce(rates)
        with self._world.ledger.transaction():
            self._world.ledger.keep_setting("rates", self.limits.settings())

    def lock(self, locks: bool) -> None:
        """Refuse overlapping writes from now on, also after a restart, or let them wait."""
        self.locks = locks
        with self._world.ledger.transaction():
            self._world.ledger.keep_setting("locks", locks)

    def carry_out(self, arrived: Arrived, handler: Handler, shape: Any) -> Reply:
        """Answer one request."""
        fault = None
        self._world.pass_time()
        try:
            with self.limits.admitted(arrived.endpoint):
                fault = self._faults.meet(arrived.method, arrived.path)
                reply = self._guarded(arrived, handler, shape, fault)
        except Refused as refused:
            body = refused.answer(arrived.request)
            reply = Reply(status=refused.status, body=body, headers=dict(refused.headers))
        spoiling.spoil(reply, fault, self._world.ledger)
        self._log(arrived, reply)
        return reply

    def _guarded(
        self, arrived: Arrived, handler: Handler, shape: Any, fault: Fault | None
    ) -> Reply:
        spoiling.refuse_early(fault, arrived.key)
        key = arrived.key
        with self._answers.claimed(key) if key is not None else nullcontext():
            if key is not None and (stored := self._answers.stored(arrived, key)):
                return stored
            params = check(arrived.params, shape)
            with self._alone(arrived):
                self._take_time(fault, "slow")
                reply = self._execute(arrived, handler, params, fault)
                self._take_time(fault, "hang")
            return reply

    @contextmanager
    def _alone(self, arrived: Arrived) -> Iterator[None]:
        """Hold the objects that a write is about, where the sandbox locks them."""
        names = arrived.objects if self.locks and arrived.writes else set()
        with self._objects.of(names, locked):
            yield

    def _take_time(self, fault: Fault | None, kind: str) -> None:
        if fault and fault.fault == kind:
            self._sleep(fault.delay_s())

    def _execute(
        self, arrived: Arrived, handler: Handler, params: dict[str, Any], fault: Fault | None
    ) -> Reply:
        """Do the work and keep its answer, both or neither."""
        ledger = self._world.ledger
        try:
            with ledger.transaction(), self._world.caused_by(arrived.request, arrived.key):
                reply = self._work(arrived, handler, params, fault)
                self._answers.keep(arrived, reply.status, reply.body)
        except Refused as refused:
            if refused.stored:
                with ledger.transaction():
                    self._answers.keep(arrived, refused.status, refused.answer(arrived.request))
            raise
        return reply

    def _work(
        self, arrived: Arrived, handler: Handler, params: dict[str, Any], fault: Fault | None
    ) -> Reply:
        failure = spoiling.failed(fault, arrived.request)
        if failure and fault and fault.fault == "error_kept":
            return failure
        done = handler(self._world, spoiling.halve(fault, params), *arrived.ids)
        return failure or Reply(status=200, body=json.dumps(done))

    def _log(self, arrived: Arrived, reply: Reply) -> None:
        self.calls.append(
            {
                "at": self._world.instant(),
                "method": arrived.method,
                "path": arrived.path,
                "endpoint": arrived.endpoint,
                "key": arrived.key,
                "request": arrived.request,
                "status": reply.status,
                "reason": reply.headers.get("Stripe-Rate-Limited-Reason"),
                "replayed": "Idempotent-Replayed" in reply.headers,
                "silent": reply.fate != "sent",
            }
        )
