"""The reconciler: makes Stripe agree with the books, and says where it does not."""

import uuid
from collections.abc import Callable
from datetime import datetime

from application.gateway import CreditNote, Desired, InvoiceGateway, StripeNote, StripeStream
from application.issued import IssuedWork
from application.observing import (
    Observer,
    expectation,
    held_by_proof,
    proof_of,
    proved,
    second_invoices,
)
from application.stripe_calls import StripeCalls, StripeLog
from application.sync import Sync, SyncResult
from domain.errors import RuleViolation
from domain.events.stripe_invoice import Discrepancy
from domain.stripe_invoice import StripeInvoice
from projections.change_set import ChangeSet
from projections.proof import Expectation, compare
from projections.remote_invoice import RemoteInvoice, RemoteStatus, news


def random_token() -> str:
    """What makes an idempotency key name one attempt and no other."""
    return uuid.uuid4().hex


class Reconciler:
    """Compares, then corrects. Level-triggered: it never asks why it was called.

    Each run reads both sides afresh, so a run lost, repeated, early or late does no harm.

    desired: what Stripe should hold for a cycle. now: the clock, aware UTC.
    on_customer_linked: keeps (organization, Stripe customer); it may be told twice.
    """

    def __init__(
        self,
        gateway: InvoiceGateway,
        stream: StripeStream,
        desired: Callable[[str], Desired],
        now: Callable[[], datetime],
        *,
        on_customer_linked: Callable[[str, str], None],
        new_token: Callable[[], str] = random_token,
    ) -> None:
        self._gateway = gateway
        self._stream = stream
        self._desired = desired
        self._now = now
        self._linked = on_customer_linked
        self._new_token = new_token

    def plan(self, cycle: str) -> ChangeSet:
        """What a sync would do now, asking Stripe. Changes nothing."""
        desired = self._desired(cycle)
        log = StripeLog(self._stream, cycle, "")
        observer = Observer(self._gateway, log, desired)
        seen = observer.glance()
        return observer.compare(self._gateway.complete(seen) if seen else None)

    def pending(self, cycle: str) -> ChangeSet:
        """What differs from the last recorded state of Stripe. Never asks Stripe."""
        log = StripeLog(self._stream, cycle, "")
        observer = Observer(self._gateway, log, self._desired(cycle))
        return observer.compare(observer.recorded(), ask=False)

    def sync(self, cycle: str, actor: str, force: bool = False, reason: str = "") -> SyncResult:
        """Make Stripe's draft equal our invoice and prove it. reason: why a person asks for it.

        Raises:
            UnsafeChangeSet: the plan refuses itself, and ``force`` does not help or is missing.
            Busy: another worker owns the invoice.
            GatewayBusy, GatewayUnavailable: no definite answer. Safe to call again.
            GatewayRejected: Stripe refused for good; recorded as the cycle's problem.
        """
        return self._sync(cycle, actor).run(force=force, reason=reason)

    def finalize(self, cycle: str, actor: str, force: bool = False) -> SyncResult:
        """Sync, prove, finalize, read back and prove again. Safe to repeat.

        Where nothing on the invoice costs anything there is none at Stripe, and the proof says
        so; a draft left over is deleted.

        Raises:
            RuleViolation: Stripe could not be proved equal, or the total is negative.
            UnsafeChangeSet, Busy, GatewayError, GatewayRejected: as in ``sync``.
        """
        work = self._sync(cycle, actor)
        synced = work.run(force=force, closely=True)
        found = tuple(each for each in synced.discrepancies if each.kind != "status")
        if found:
            raise RuleViolation(
                f"{cycle} is not equal at Stripe: {found[0]}", code="not_proved", cycle=cycle
            )
        if work.seen and work.seen.subtotal < 0:
            raise RuleViolation(
                f"{cycle} comes to {work.seen.subtotal}; nothing negative is finalized",
                code="negative_total",
                cycle=cycle,
            )
        issued = work.issue()
        return SyncResult(
            changes=synced.changes,
            invoice=issued.invoice,
            writes=issued.writes,  # of the whole run
            proof=issued.proof,
            discrepancies=issued.discrepancies,
            mended=issued.mended,
        )

    def void(self, cycle: str, actor: str) -> StripeInvoice:
        """Void the cycle's finalized invoice at Stripe. Safe to repeat.

        Raises:
            RuleViolation: there is no finalized invoice to void, or it was paid.
            Busy, GatewayError, GatewayRejected: as in ``sync``.
        """
        self._issued(cycle, actor).void()
        return self._stream.load(cycle)[0]

    def credit_note(self, cycle: str, note: CreditNote, actor: str) -> StripeNote:
        """Issue a credit note on the cycle's finalized invoice. Safe to repeat by its id.

        Returns:
            The note as Stripe has it: with tax, and with the ways it was given back counted so.

        Raises:
            InvalidInput: it names a line that the invoice does not have.
            RuleViolation: there is no finalized invoice, or the note does not take off what is
                still to be paid before it gives back the rest.
            Busy, GatewayError, GatewayRejected: as in ``sync``.
        """
        return self._issued(cycle, actor).credit(note)

    def mark_uncollectible(self, cycle: str, actor: str) -> StripeInvoice:
        """Give up on the cycle's open invoice at Stripe. Safe to repeat.

        Raises:
            RuleViolation: there is no open invoice.
            Busy, GatewayError, GatewayRejected: as in ``sync``.
        """
        self._issued(cycle, actor).mark_uncollectible()
        return self._stream.load(cycle)[0]

    def decide(
        self,
        cycle: str,
        decision: str,
        reason: str,
        actor: str,
        first: Callable[[StripeInvoice], None] = lambda _: None,
    ) -> None:
        """Say what becomes of others' edits of the draft; the next sync goes by it.

        decision: ``overwrite``, or ``adopt`` where the books take them over. first: has them do
        so, by the very state that is decided on.

        Raises:
            RuleViolation: nobody changed the draft.
            Busy: another worker wrote to the cycle's record meanwhile.
        """
        log = StripeLog(self._stream, cycle, actor)
        decided = log.state.decide(decision, reason)
        first(log.state)
        log.add(*decided)
        log.save()

    def dismiss(self, cycle: str, discrepancy: str, reason: str, actor: str) -> None:
        """Accept that Stripe differs in a way, by its id, while it differs just so.

        Raises:
            RuleViolation: there is no such discrepancy.
            Busy: another worker wrote to the cycle's record meanwhile.
        """
        log = StripeLog(self._stream, cycle, actor)
        log.add(*log.state.dismiss(discrepancy, reason))
        log.save()

    def observe(self, cycle: str, actor: str) -> RemoteInvoice | None:
        """Read a cycle's invoice afresh and record what is news: what a webhook hints at.

        Raises:
            Busy: another worker wrote to the cycle's record meanwhile.
            GatewayError: Stripe could not be read.
        """
        return self._sync(cycle, actor).look()

    def audit(self, cycle: str, actor: str = "audit") -> tuple[Discrepancy, ...]:
        """Read everything Stripe holds for a cycle and compare. Changes nothing there.

        A draft is compared with what the last proof saw, so that what accrued since and is
        still to be synced is no discrepancy; an issued invoice with the books. That it is void
        is a discrepancy until somebody wants it so.

        Raises:
            Busy: another worker wrote to the cycle's record meanwhile.
            GatewayError: Stripe could not be read.
        """
        log, desired = StripeLog(self._stream, cycle, actor), self._desired(cycle)
        if log.state.open:
            open_call = log.state.open
            return (
                Discrepancy(
                    kind="unanswered_call", key=open_call.key, ours=open_call.purpose, theirs=""
                ),
            )
        seen, others = self._everything(log, desired)
        differing = compare(_audited(log.state, desired, seen), seen)
        if log.state.voiding and seen and seen.status is RemoteStatus.VOID:
            differing = tuple(each for each in differing if each.kind != "status")
        found = (*differing, *second_invoices(others))
        found = tuple(each for each in found if log.state.dismissed.get(each.id) != each)
        self._record_audit(log, desired, seen, found)
        return found

    def _everything(
        self, log: StripeLog, desired: Desired
    ) -> tuple[RemoteInvoice | None, tuple[RemoteInvoice, ...]]:
        observer = Observer(self._gateway, log, desired)
        others = observer.candidates()
        known = log.state.live(desired.invoice.revision)
        recorded = next((each for each in others if each.id == known), None)
        glance = recorded or observer.glance()
        return (self._gateway.complete(glance) if glance else None), others

    def _record_audit(
        self,
        log: StripeLog,
        desired: Desired,
        seen: RemoteInvoice | None,
        found: tuple[Discrepancy, ...],
    ) -> None:
        if seen:
            log.add(*news(log.state, seen, desired.invoice.revision))
        log.add(*log.state.judged(found, seen.id if seen else None, "audited and gone"))
        if seen and not found:
            log.add(proof_of(desired, seen, self._now()))
        log.save()

    def _issued(self, cycle: str, actor: str) -> IssuedWork:
        log = StripeLog(self._stream, cycle, actor)
        calls = StripeCalls(self._gateway, log, self._now, self._new_token)
        return IssuedWork(self._gateway, log, calls)

    def _sync(self, cycle: str, actor: str) -> Sync:
        log = StripeLog(self._stream, cycle, actor)
        calls = StripeCalls(self._gateway, log, self._now, self._new_token)
        return Sync(self._gateway, log, calls, self._desired(cycle), self._now, self._linked)


def _audited(state: StripeInvoice, desired: Desired, seen: RemoteInvoice | None) -> Expectation:
    untried = state.plan == 0 or held_by_proof(state, desired.invoice.revision)
    if untried and (seen is None or seen.is_draft) and not state.issued:
        return proved(state, desired)
    return expectation(desired, issued=state.issued)
