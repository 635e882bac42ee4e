"""StripeInvoice: everything we intended, attempted, saw and proved of one cycle at Stripe."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.errors import RuleViolation
from domain.events.stripe_invoice import (
    CallAbandoned,
    CallAttempted,
    Discrepancy,
    DiscrepancyDismissed,
    DiscrepancyFound,
    DiscrepancyResolved,
    EditsDecided,
    StripeInvoiceEvent,
    SyncFailed,
    SyncPlanned,
)
from domain.line_key import is_strange
from domain.stripe_history import StripeHistory

RESEND_WITHIN = timedelta(hours=23)
"""How long an unanswered call may be sent again under its own key.

Stripe keeps keys for at least 24 hours; the hour between is for clocks that disagree.
Source: https://docs.stripe.com/api/idempotent_requests
"""


STANDING = ("missed_draft",)
"""Discrepancies that no look at the invoice ends: a person dismisses them."""


@dataclass(kw_only=True)
class StripeInvoice(StripeHistory):
    """One cycle's invoice at Stripe as our events have it.

    Decisions read this state, return the events to append and change nothing.
    """

    def planned(  # noqa: PLR0913
        self,
        *,
        revision: int,
        digest: str,
        subtotal: int,
        changes: tuple[str, ...],
        calls: int,
        forced: bool,
        reason: str = "",
    ) -> SyncPlanned:
        """Number the next plan.

        Raises:
            RuleViolation: a call of the last one is still unanswered.
        """
        self._require_answered()
        return SyncPlanned(
            plan=self.plan + 1,
            revision=revision,
            digest=digest,
            subtotal=subtotal,
            changes=changes,
            calls=calls,
            forced=forced,
            reason=reason,
        )

    def attempted(
        self,
        *,
        purpose: str,
        key: str,
        method: str,
        endpoint: str,
        form: dict[str, str],
        at: datetime,
    ) -> CallAttempted:
        """Say that a call is about to go out.

        Raises:
            RuleViolation: the call before it is still unanswered.
        """
        self._require_answered()
        return CallAttempted(
            plan=self.plan,
            purpose=purpose,
            key=key,
            method=method,
            endpoint=endpoint,
            parameters=form,
            revision=self.planned_revision,
            attempted_at=at,
        )

    def abandoned(self, now: datetime) -> CallAbandoned | None:
        """Give up an unanswered call once Stripe may have forgotten its key."""
        if self.open is None or now - self.open.attempted_at < RESEND_WITHIN:
            return None
        return CallAbandoned(key=self.open.key)

    def failed(self, code: str, message: str) -> list[StripeInvoiceEvent]:
        """Record a problem, once for as long as it stays the same."""
        if self.problem and (self.problem.code, self.problem.message) == (code, message):
            return []
        return [SyncFailed(plan=self.plan, code=code, message=message)]

    def judged(
        self, found: Sequence[Discrepancy], invoice: str | None, how: str
    ) -> list[StripeInvoiceEvent]:
        """Record which discrepancies are new, and which are gone and ``how``.

        What a person dismissed is no news while it stays as it was.
        """
        now = {each.id: each for each in found if self.dismissed.get(each.id) != each}
        events: list[StripeInvoiceEvent] = [
            DiscrepancyResolved(discrepancy=id_, how=how)
            for id_, each in self.discrepancies.items()
            if id_ not in now and each.kind not in STANDING
        ]
        events += [
            DiscrepancyFound(invoice=invoice, discrepancy=each)
            for id_, each in now.items()
            if self.discrepancies.get(id_) != each
        ]
        return events

    @property
    def unwanted(self) -> frozenset[str]:
        """Stripe's ids of lines of others that are to be taken off."""
        if self.decided is None or self.decided.decision != "overwrite":
            return frozenset()
        return frozenset(each.key for each in self.decided.edits if each.kind == "foreign_line")

    @property
    def undiscounted(self) -> bool:
        """Whether a discount that somebody gave at Stripe is to be taken off."""
        if self.decided is None or self.decided.decision != "overwrite":
            return False
        return any(each.kind == "total" for each in self.decided.edits)

    @property
    def only_others_differ(self) -> bool:
        """Whether all that differs is about lines of others, on the record or new."""
        kinds = ("foreign_line", *STANDING)
        found = self.discrepancies.values()
        return all(each.kind in kinds or is_strange(each.key) for each in found)

    def undecided(self, edits: Iterable[Discrepancy]) -> tuple[Discrepancy, ...]:
        """Edits of the draft by others that nobody decided on yet."""
        known = self.decided.edits if self.decided else ()
        return tuple(each for each in edits if each not in known)

    def decide(self, decision: str, reason: str) -> list[StripeInvoiceEvent]:
        """Say what to do about the edits on record. The same twice does nothing.

        Raises:
            RuleViolation: nothing is to be decided.
        """
        edits = tuple(self.discrepancies.values())
        if not edits:
            raise RuleViolation("nobody changed the draft at Stripe", code="nothing_to_decide")
        if self.decided and (self.decided.decision, self.decided.edits) == (decision, edits):
            return []
        return [EditsDecided(decision=decision, edits=edits, reason=reason)]

    def dismiss(self, discrepancy: str, reason: str) -> list[StripeInvoiceEvent]:
        """Accept that Stripe differs in a way, while it differs just so.

        Raises:
            RuleViolation: it is not known to differ so, or it is about a draft.
        """
        known = self.discrepancies.get(discrepancy)
        if known is None:
            raise RuleViolation(f"there is no discrepancy {discrepancy}", code="no_discrepancy")
        if self.status in ("draft", "deleted") and known.kind not in STANDING:
            raise RuleViolation(
                "the draft has to equal the books: overwrite it, or adopt the edits",
                code="draft_differs",
            )
        return [DiscrepancyDismissed(discrepancy=known, reason=reason)]

    def _require_answered(self) -> None:
        if self.open is not None:
            raise RuleViolation(
                f"Stripe has not answered {self.open.purpose} ({self.open.key}) yet",
                code="call_unanswered",
            )


def replay(events: Iterable[object]) -> StripeInvoice:
    """Fold a stream from its beginning."""
    state = StripeInvoice()
    for event in events:
        state.apply(event)
    return state
