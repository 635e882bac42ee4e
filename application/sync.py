"""One sync of one cycle: observe, diff, apply, read back, prove."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from application.gateway import Desired, InvoiceGateway, LineChanges, StripeRequest
from application.observing import Observer, expectation, in_step, proof_of
from application.preparing import Preparing
from application.stripe_calls import StripeCalls, StripeLog
from domain.errors import Busy, EditedAtStripe, UnsafeChangeSet
from domain.events.stripe_invoice import (
    Discrepancy,
    InvoiceProvedEqual,
    StripeInvoiceEvent,
    SyncApplied,
)
from projections.change_set import (
    LINES_PER_CALL_MAX,
    AddLine,
    ChangeSet,
    RemoveLine,
    UpdateLine,
)
from projections.proof import compare
from projections.remote_invoice import Marks, RemoteInvoice, news


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncResult:
    """What a sync did and found.

    changes: what was to do, and is done. writes: calls it cost. proof: the last one, where
    Stripe is known to equal the books. discrepancies: where it does not. mended: there was
    a problem, or the cycle is held, and this run found none.
    """

    changes: ChangeSet
    invoice: str | None
    writes: int
    proof: InvoiceProvedEqual | None
    discrepancies: tuple[Discrepancy, ...]
    mended: bool = False


class Sync:
    """One worker's run over one cycle, fenced by its place in the cycle's stream."""

    def __init__(
        self,
        gateway: InvoiceGateway,
        log: StripeLog,
        calls: StripeCalls,
        desired: Desired,
        now: Callable[[], datetime],
        on_customer_linked: Callable[[str, str], None],
    ) -> None:
        self._gateway = gateway
        self._log = log
        self._calls = calls
        self._desired = desired
        self._invoice = desired.invoice
        self._now = now
        self._linked = on_customer_linked
        self._observer = Observer(gateway, log, desired)
        self._preparing = Preparing(
            gateway, log, calls, desired, self._observer, on_customer_linked
        )
        self._writes_before = log.state.writes
        self._troubled = log.state.problem is not None or desired.held
        self._edits: tuple[Discrepancy, ...] = ()
        self.seen: RemoteInvoice | None = None

    def run(self, *, force: bool, closely: bool = False, reason: str = "") -> SyncResult:
        """Make Stripe's draft equal our invoice. closely: a glance at it is not enough.

        reason: why a person asked for it; it stands with the plan.
        """
        with self._log.noting_refusals():
            return self._run(force=force, closely=closely, reason=reason)

    def _run(self, *, force: bool, closely: bool, reason: str) -> SyncResult:
        self.settle()
        self._preparing.require_customer()
        self.seen = self._preparing.leave_former_customer(self._observer.glance())
        if self.seen and not closely and in_step(self._log.state, self.seen, self._desired):
            return self._result(self._observer.compare(self._observer.recorded()), ())
        if self.seen is None and self._desired.awaits:
            self._log.save()
            return self._result(self._observer.compare(None), ())
        self._require_adopted()
        self._look_closely()
        self._refuse_edited()
        changes = self._observer.compare(self.seen)
        self._refuse_if_unsafe(changes, force)
        if changes:
            self._carry_out(changes, force, reason)
            self._read_back()
        return self._result(changes, self.prove(issued=self._log.state.issued))

    def settle(self) -> None:
        """Answer what was left open, and pass on a customer link found that way."""
        abandoned = self._calls.settle()
        if abandoned and abandoned.purpose == "customer":
            self._observer.look_for_customer(abandoned.attempted_at)
        known = self._log.state.customer
        if known and self._desired.customer.stripe_id is None:
            self._linked(self._desired.customer.organization, known)

    def issue(self) -> SyncResult:
        """Finalize the draft just proved, and prove what became of it."""
        nothing = self._observer.compare(self.seen)
        if self.seen and self.seen.is_draft:
            if self.seen.subtotal or self.seen.foreign or self.seen.subscription:
                self._write(self._gateway.finalize(self.seen.id))
            else:
                self._write(self._gateway.delete(self.seen.id))
            self._read_back()
        return self._result(nothing, self.prove(issued=True, final=True))

    def look(self) -> RemoteInvoice | None:
        """See what Stripe holds, completely, and record what is news."""
        self.seen = self._observer.glance()
        self._look_closely()
        self._log.save()
        return self.seen

    def prove(self, *, issued: bool, final: bool = False) -> tuple[Discrepancy, ...]:
        """Compare what was read with what should be there; record what is new."""
        found = compare(expectation(self._desired, issued=issued), self.seen)
        known = self.seen.id if self.seen else self._log.state.invoice
        self._log.add(*self._log.state.judged(found, known, "read back and gone"))
        if not found:
            self._log.add(*self._proofs(final))
        self._log.save()
        return found

    def _proofs(self, final: bool) -> list[StripeInvoiceEvent]:
        """The proof, where it says more than the last one."""
        held = self._log.state.proof and self._log.state.proof.invoice
        if self.seen is None and not (final or held):
            return []
        state, proof = self._log.state, proof_of(self._desired, self.seen, self._now())
        last = (state.proved_digest, state.proof.invoice, state.proof.status) if state.proof else ()
        known = last == (proof.digest, proof.invoice, proof.status)
        return [] if known and state.problem is None else [proof]

    def _look_closely(self) -> None:
        self.seen = self._gateway.complete(self.seen) if self.seen else None
        self._edits = self._observer.edits(self.seen)
        if self.seen:
            self._log.add(*news(self._log.state, self.seen, self._invoice.revision))

    def _require_adopted(self) -> None:
        """Leave a subscription's draft alone until the books know what is on it.

        Raises:
            Busy: it was claimed, and whoever did that is not done yet.
        """
        seen = self.seen
        if seen and seen.is_draft and seen.subscription and seen.id != self._desired.adopted:
            self._log.save()
            message = f"{seen.id} of {seen.subscription} is being taken over"
            raise Busy(message, cycle=self._log.cycle)

    def _refuse_edited(self) -> None:
        """Leave a draft alone that others changed, until it is decided what becomes of it."""
        edits = self._log.state.undecided(self._edits)
        if not edits or not (self.seen is None or self.seen.is_draft):
            return
        more = f", and {len(edits) - 1} more" if len(edits) > 1 else ""
        refusal = EditedAtStripe(
            f"somebody changed the draft at Stripe: {edits[0]}{more}; overwrite it, or adopt that",
            cycle=self._log.cycle,
            forceable=False,
        )
        self._log.add(*self._log.state.failed(refusal.code, str(refusal)))
        self._log.save()
        raise refusal

    def _refuse_if_unsafe(self, changes: ChangeSet, force: bool) -> None:
        try:
            changes.raise_if_unsafe(force=force)
        except UnsafeChangeSet as refusal:
            if changes.impossible and self.seen:
                self.prove(issued=self._log.state.issued)
            self._log.add(*self._log.state.failed(refusal.code, str(refusal)))
            self._log.save()
            raise

    def _carry_out(self, changes: ChangeSet, force: bool, reason: str) -> None:
        state, digest = self._log.state, self._invoice.digest()
        planned = state.planned(
            revision=self._invoice.revision,
            digest=digest,
            subtotal=self._invoice.subtotal,
            changes=tuple(map(str, changes.changes)),
            calls=changes.calls,
            forced=force,
            reason=reason,
        )
        self._log.add(planned)
        cycle, revision = self._invoice.cycle, self._invoice.revision
        marks = Marks(cycle=cycle, revision=revision, plan=planned.plan)
        invoice = self._preparing.draft(changes, marks)
        self._preparing.products(changes)
        self._preparing.terms(changes, invoice, after_lines=False)
        batches = list(_batches(changes))
        for number, batch in enumerate(batches, start=1):
            mark = replace(marks, digest=digest) if number == len(batches) else marks
            self._write(self._gateway.change_lines(invoice, batch, mark))
        self._preparing.terms(changes, invoice, after_lines=True)
        self._log.add(SyncApplied(plan=planned.plan, writes=changes.calls))

    def _write(self, request: StripeRequest) -> None:
        self._calls.make(request)

    def _read_back(self) -> None:
        """Read afresh; keep the answers even if Stripe cannot be read now."""
        try:
            self.seen = self._observer.read_back()
        finally:
            self._log.save()
        if self.seen:
            self._log.add(*news(self._log.state, self.seen, self._invoice.revision))

    def _result(self, changes: ChangeSet, found: tuple[Discrepancy, ...]) -> SyncResult:
        state = self._log.state
        return SyncResult(
            changes=changes,
            invoice=self.seen.id if self.seen else None,
            writes=state.writes - self._writes_before,
            proof=None if found else state.proof,
            discrepancies=found,
            mended=self._troubled and not found and state.problem is None,
        )


def _batches(changes: ChangeSet) -> Iterator[LineChanges]:
    """The line changes in the order to make them, one bulk call each."""
    size = LINES_PER_CALL_MAX
    removals, updates = changes.of(RemoveLine), changes.of(UpdateLine)
    additions = changes.of(AddLine)
    yield from (removals[at : at + size] for at in range(0, len(removals), size))
    yield from (updates[at : at + size] for at in range(0, len(updates), size))
    yield from (additions[at : at + size] for at in range(0, len(additions), size))
