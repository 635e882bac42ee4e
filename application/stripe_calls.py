"""Calls that are written down before they go out, and sent again as they were."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime

from application.gateway import Answer, InvoiceGateway, StripeCall, StripeRequest, StripeStream
from application.refusals import refusal
from domain.errors import Busy, ConcurrentChange, GatewayMisconfigured, GatewayRejected
from domain.events.stripe_invoice import CallAnswered, CallAttempted, StripeInvoiceEvent
from domain.stripe_invoice import StripeInvoice


def made_for(cycle: str, key: str) -> bool:
    """Whether an idempotency key is of a call that was made for a cycle alone."""
    return key.startswith(f"{cycle}/")


class StripeLog:
    """One cycle's stream while one worker is at it.

    ``state`` is ahead of the store by what was added and not saved. Losing an append means
    that another worker owns the invoice now.
    """

    def __init__(self, stream: StripeStream, cycle: str, actor: str) -> None:
        self._stream = stream
        self._actor = actor
        self.cycle = cycle
        self.state, self._version = stream.load(cycle)
        self._unsaved: list[StripeInvoiceEvent] = []

    def of_another(self, cycle: str) -> StripeInvoice:
        """Another cycle as its stream has it now."""
        return self._stream.load(cycle)[0]

    def add(self, *events: StripeInvoiceEvent) -> None:
        """Take events into account; ``save`` keeps them."""
        for event in events:
            self.state.apply(event)
            self._unsaved.append(event)

    def save(self) -> None:
        """Keep what was added.

        Raises:
            Busy: somebody else appended first.
        """
        if not self._unsaved:
            return
        try:
            self._version = self._stream.append(
                self.cycle, self._version, tuple(self._unsaved), self._actor
            )
        except ConcurrentChange as lost:
            message = f"another worker is syncing {self.cycle}"
            raise Busy(message, cycle=self.cycle) from lost
        self._unsaved.clear()

    @contextmanager
    def noting_refusals(self) -> Iterator[None]:
        """Keep what Stripe refused for good as the cycle's problem, also where it was a read."""
        try:
            yield
        except (GatewayMisconfigured, GatewayRejected) as error:
            known = self.state.problem
            if known is None or known.message not in str(error):
                self.add(*self.state.failed(error.code, str(error)))
                self.save()
            raise


class StripeCalls:
    """Sends writes so that a crash at any point costs a repeat and never a double."""

    def __init__(
        self,
        gateway: InvoiceGateway,
        log: StripeLog,
        now: Callable[[], datetime],
        new_token: Callable[[], str],
    ) -> None:
        self._gateway = gateway
        self._log = log
        self._now = now
        self._new_token = new_token

    def settle(self) -> CallAttempted | None:
        """Get a definite answer to a call left open by a crash or a lost response.

        Returns:
            The call, where it is too old to send again and what it did must be read back.

        Raises:
            GatewayBusy, GatewayUnavailable: still no definite answer. The call stays open.
        """
        call = self._log.state.open
        if call is None:
            return None
        if abandoned := self._log.state.abandoned(self._now()):
            self._log.add(abandoned)
            self._log.save()
            return call
        self._log.add(_answered(call.key, self._gateway.send(_call(call))))
        self._log.save()
        return None

    def make(
        self, request: StripeRequest, *, stable: str | None = None, fine: Collection[str] = ()
    ) -> Answer:
        """Write a call down, send it, note its answer.

        Args:
            request: what to send.
            stable: names the key where the same work might be started twice; such a key is
                made from the content as well, because Stripe refuses it for any other.
            fine: Stripe's codes of refusals that say it is done already.

        Raises:
            Busy: another worker owns the invoice.
            GatewayBusy, GatewayUnavailable: no definite answer; the next sync repeats the call.
            GatewayMisconfigured: Stripe does not take our key, whatever it is used for.
            GatewayRejected: Stripe refused for good.
        """
        attempt = self._log.state.attempted(
            purpose=request.purpose,
            key=self._key(request, stable),
            method=request.method,
            endpoint=request.endpoint,
            form=request.parameters,
            at=self._now(),
        )
        self._log.add(attempt)
        self._log.save()
        answer = self._gateway.send(_call(attempt))
        self._log.add(answered := _answered(attempt.key, answer))
        if not answered.ok and answered.code not in fine:
            self._refused(request, answer)
        return answer

    def _key(self, request: StripeRequest, stable: str | None) -> str:
        if stable is None:
            plan = self._log.state.plan
            return f"{self._log.cycle}/{plan}/{request.purpose}/{self._new_token()}"
        content = json.dumps([request.endpoint, sorted(request.parameters.items())])
        return f"{stable}/{hashlib.sha256(content.encode()).hexdigest()[:32]}"

    def _refused(self, request: StripeRequest, answer: Answer) -> None:
        message = answer.message or "Stripe refused the request"
        self._log.add(*self._log.state.failed(answer.code or f"stripe_{answer.status}", message))
        self._log.save()
        raise refusal(
            answer.status,
            answer.code,
            f"{request.purpose}: {message}",
            cycle=self._log.cycle,
            request=answer.request,
        )


def _call(attempt: CallAttempted) -> StripeCall:
    return StripeCall(
        key=attempt.key,
        method=attempt.method,
        endpoint=attempt.endpoint,
        parameters=dict(attempt.parameters),
    )


def _answered(key: str, answer: Answer) -> CallAnswered:
    return CallAnswered(
        key=key,
        status=answer.status,
        reference=answer.reference,
        request=answer.request,
        code=answer.code,
        message=answer.message,
    )
