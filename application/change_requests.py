"""Change requests: what one person asked for, and a second one carries out or turns down.

An approval is noted before it is carried out, and events of the change carry the request's name. So
whoever comes after a process that died in between finds by the log what it did.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from application.kept_changes import (
    APPROVED,
    EXPIRED,
    REJECTED,
    WAITING,
    Asked,
    ChangeRequest,
    ChangeRequestStore,
    Consent,
    Stake,
)
from domain.errors import (
    Busy,
    CyclebookError,
    Forbidden,
    NotFound,
    RuleViolation,
    StoreUnavailable,
)
from domain.events.stripe_invoice import (
    CallAnswered,
    CallAttempted,
    EditsDecided,
    InvoiceVoidedAtStripe,
    StripeInvoiceEvent,
)
from domain.text import written

REASON_MAX = 400
IN_PARTS = frozenset({"correct_usage"})
"""Operations whose events are stored one after the other: some do not tell that all are there.
Each part is safe to repeat."""
LAST: Mapping[str, type] = {"decide_edits": EditsDecided, "resolve_discrepancy": EditsDecided}
"""What ends an operation whose events go into the books first and then into our record of Stripe.
All others end with what they tell the books."""

Answer = TypeVar("Answer")


class ChangeRequests:
    """Keeps changes until a second person decides. now: the clock, aware UTC.

    same_holder: whether two actors are known to be one: a key, and the one that replaced it.
    """

    def __init__(
        self,
        store: ChangeRequestStore,
        same_holder: Callable[[str, str], bool],
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._same_holder = same_holder
        self._now = now

    def keep(
        self, asked: Asked, stake: Stake, *, above: int, actor: str, at: datetime
    ) -> ChangeRequest:
        """Keep a change that is above the limit. at: when it was asked, and weighed."""
        return self.get(self._store.add(asked, stake, above, actor, at))

    def get(self, request: str) -> ChangeRequest:
        """A request, whatever became of it.

        Raises:
            NotFound: there is none.
        """
        found = self._found(request)
        if not found.is_uncertain:
            return found
        with self._store.alone(request) as mine:
            return self._settled(request) if mine else found

    def list(
        self, state: str | None = None, before: str | None = None, limit: int = 50
    ) -> Sequence[ChangeRequest]:
        """Requests, the newest first. before: the id of the last one of the page before."""
        for request in self._store.uncertain():
            self.get(request)
        return self._store.list(state, before, limit, self._now())

    def approve(
        self,
        request: str,
        weigh: Callable[[], Stake],
        carry_out: Callable[[], Answer],
        consent: Consent,
    ) -> Answer:
        """Carry a change out, if it still does what was shown, or not more than is accepted.

        One that broke off half-way is finished: it was approved as it was shown.

        weigh: what it would do now. carry_out: does it, as ``ChangeRequest.actor_of``.

        Raises:
            NotFound: there is no such request.
            Forbidden: the one who asked may not approve.
            RuleViolation: it is decided or expired, or does something else now: ``shown`` in
                the context says what, and it may be approved as that.
            Busy: somebody else is deciding, or broke off less than ``LEFT_FOR`` ago.
            CyclebookError: as the change itself; the request goes on waiting.
        """
        actor, reason = consent.actor, consent.reason
        why = None if reason is None else written(reason, "reason", REASON_MAX)
        known = self._waiting(self._found(request))
        if known.actor == actor or self._same_holder(known.actor, actor):
            raise Forbidden(
                "this change needs a second person: whoever asked for it may not approve it",
                code="needs_second_person",
            )
        with self._deciding(request) as known:
            if known.begun_by is None:
                self._require_same(known, weigh(), consent)
            self._store.begin(request, actor, why)
            try:
                answer = carry_out()
            except StoreUnavailable:  # perhaps it is stored: somebody looks later
                raise
            except CyclebookError:
                self._settled(request)
                raise
            self._store.decide(request, APPROVED, actor, why, self._now())
            return answer

    def reject(self, request: str, reason: str, *, actor: str) -> ChangeRequest:
        """Turn a change down; whoever asked may take it back so.

        Raises:
            NotFound: there is no such request.
            RuleViolation: it is decided or expired, or was carried out in part.
            Busy: somebody else is deciding.
        """
        why = written(reason, "reason", REASON_MAX)
        with self._deciding(request) as known:
            if known.begun_by is not None:
                raise RuleViolation(
                    f"it was approved by {known.begun_by}, and carried out in part before "
                    "something broke off: it can only be finished, by approving it again",
                    code="change_request_begun",
                )
            self._store.decide(request, REJECTED, actor, why, self._now())
        return self._found(request)

    @contextmanager
    def _deciding(self, request: str) -> Iterator[ChangeRequest]:
        """A request that waits, while nobody else decides about it."""
        self._waiting(self._found(request))
        with self._store.alone(request) as mine:
            if not mine:
                raise Busy(
                    "somebody else is deciding about this change right now, or broke off a moment "
                    "ago: try again in a minute"
                )
            yield self._waiting(self._settled(request))

    def _settled(self, request: str) -> ChangeRequest:
        """A request after a look at what became of it, if it was begun; nobody else decides."""
        known = self._found(request)
        if known.begun_by is None or not known.is_uncertain:
            return known
        deeds = _deeds(self._store.traces(known))
        if _all_done(known.asked.operation, deeds):
            self._store.decide(request, APPROVED, known.begun_by, known.begun_reason, self._now())
        elif deeds:
            self._store.note_in_part(request)
        else:
            self._store.forget_begun(request)
        return self._found(request)

    def _found(self, request: str) -> ChangeRequest:
        found = self._store.get(request)
        if found is None:
            raise NotFound(f"there is no change request {request}")
        return found

    def _waiting(self, known: ChangeRequest) -> ChangeRequest:
        state = known.state(self._now())
        if state == EXPIRED:
            raise RuleViolation(
                f"it expired at {known.expires_at:%Y-%m-%d %H:%M} UTC: ask for it anew",
                code="change_request_expired",
            )
        if state != WAITING:
            raise RuleViolation(
                f"it was {state} by {known.decided_by} already", code="change_request_decided"
            )
        return known

    def _require_same(self, known: ChangeRequest, stake: Stake, consent: Consent) -> None:
        seen = consent.digest in (None, known.digest)
        if seen and dict(stake.differences) == dict(known.stake.differences):
            return
        if consent.up_to is not None and stake.amount <= consent.up_to:
            return
        self._store.show(known.id, stake)
        shown = replace(known, stake=stake)
        raise RuleViolation(
            f"it would move {stake.amount} minor units now, not what was shown: look at it again, "
            "and approve it as it is now",
            code="changed_since",
            shown={
                "amount": stake.amount,
                "currency": stake.currency,
                "differences": dict(stake.differences),
                "preview": stake.preview,
                "digest": shown.digest,
            },
        )


def _deeds(traces: Sequence[object]) -> list[object]:
    """What was done: not what was only seen at Stripe, nor calls that Stripe refused."""
    refused = {
        each.key for each in traces if isinstance(each, CallAnswered) and 400 <= each.status < 500
    }

    def is_deed(event: object) -> bool:
        match event:
            case CallAttempted():
                return event.key not in refused
            case InvoiceVoidedAtStripe():
                return event.wanted
            case _:
                return isinstance(event, EditsDecided) or not isinstance(event, StripeInvoiceEvent)

    return [each for each in traces if is_deed(each)]


def _all_done(operation: str, deeds: Sequence[object]) -> bool:
    """Whether all of an operation was done."""
    if last := LAST.get(operation):
        return any(isinstance(each, last) for each in deeds)
    in_books = any(not isinstance(each, StripeInvoiceEvent) for each in deeds)
    return in_books and operation not in IN_PARTS
