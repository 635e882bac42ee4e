"""Conflicts: what becomes of a draft that others changed, and of a plan that refuses itself."""

import logging
from collections.abc import Callable
from datetime import datetime

from application.desired import organization_of
from application.gateway import StripeStream
from application.ports import Books
from application.reconciler import Reconciler
from application.sync import SyncResult
from domain.errors import EditedAtStripe, RuleViolation, UnsafeChangeSet
from domain.events.amounts import EditsAdopted, StrangeLine
from domain.events.cycle import CycleHeld
from domain.events.stripe_invoice import ForeignLine
from domain.stripe_invoice import StripeInvoice
from domain.text import DESCRIPTION_MAX, written

DASHBOARD = "Stripe Dashboard"
"""The actor of what somebody did there: Stripe does not tell who it was."""

BY_POLICY = "by the policy stripe_edits"
HOLDS = ("discrepancy", "plan")
"""The kinds of holds that are set here, and end with the next sync that finds nothing wrong."""

log = logging.getLogger(__name__)


class Conflicts:
    """Syncs and finalizes as the reconciler does, and by policy where it refuses.

    A draft that others changed is left alone and the cycle held (``hold``), made ours again
    (``overwrite``), or taken over into the books (``adopt``). An unsafe plan holds the cycle.

    now: the clock, aware UTC.
    """

    def __init__(
        self,
        reconciler: Reconciler,
        books: Books,
        stream: StripeStream,
        now: Callable[[], datetime],
    ) -> None:
        self._reconciler = reconciler
        self._books = books
        self._stream = stream
        self._now = now

    def sync(self, cycle: str, actor: str, force: bool = False) -> SyncResult:
        """Make Stripe's draft equal our invoice and prove it.

        Raises:
            EditedAtStripe: others changed the draft; it waits for a person, and the cycle is held.
            UnsafeChangeSet: the same for a plan that refuses itself.
            CyclebookError: as the reconciler's ``sync``.
        """
        return self._guarded(cycle, lambda: self._reconciler.sync(cycle, actor, force))

    def finalize(self, cycle: str, actor: str, force: bool = False) -> SyncResult:
        """Sync, prove, finalize, and prove again. Raises as ``sync`` does."""
        return self._guarded(cycle, lambda: self._reconciler.finalize(cycle, actor, force))

    def decide(self, cycle: str, decision: str, reason: str, *, actor: str) -> None:
        """A person says what becomes of the draft: ``overwrite`` or ``adopt``.

        Raises:
            NotFound: there is no such cycle.
            RuleViolation: nobody changed the draft, or it cannot be taken over any more.
        """
        why = written(reason, "reason", DESCRIPTION_MAX)
        if decision == "adopt":
            self._adopt(cycle, why, actor)
        self._reconciler.decide(cycle, decision, why, actor)

    def dismiss(self, cycle: str, discrepancy: str, reason: str, *, actor: str) -> None:
        """A person accepts that Stripe differs in one way, while it differs just so.

        Raises:
            RuleViolation: there is no such discrepancy.
        """
        why = written(reason, "reason", DESCRIPTION_MAX)
        self._reconciler.dismiss(cycle, discrepancy, why, actor)

    def _guarded(self, cycle: str, work: Callable[[], SyncResult]) -> SyncResult:
        try:
            result = self._by_policy(cycle, work)
        except UnsafeChangeSet as refusal:
            self._hold(cycle, refusal)
            raise
        if result.mended:
            self._release(cycle)
        return result

    def _by_policy(self, cycle: str, work: Callable[[], SyncResult]) -> SyncResult:
        try:
            return work()
        except EditedAtStripe as refusal:
            policy = self._policy(cycle)
            if policy == "hold":
                raise
            try:
                self.decide(cycle, policy, BY_POLICY, actor=DASHBOARD)
            except RuleViolation as impossible:
                log.info("the edits of %s wait for a person: %s", cycle, impossible)
                raise refusal from impossible
            return work()

    def _policy(self, cycle: str) -> str:
        """What becomes of edits. A subscription's own lines move with it, whatever the policy."""
        known = self._books.snapshot(organization_of(cycle), cycle)
        if known.asked and known.asked.cycle.draft:
            return "adopt"
        return str(known.organization.policy("stripe_edits"))

    def _adopt(self, cycle: str, reason: str, actor: str) -> None:
        edits = adoption(self._stream.load(cycle)[0], reason, self._now())
        with self._books.change(organization_of(cycle), actor=actor, cycle=cycle) as books:
            if books.asked and (events := books.asked.adopt_edits(edits)):
                books.append(books.asked, events)

    def _hold(self, cycle: str, refusal: UnsafeChangeSet) -> None:
        kind = "discrepancy" if isinstance(refusal, EditedAtStripe) else "plan"
        held = CycleHeld(at=self._now(), kind=kind, reason=str(refusal)[:DESCRIPTION_MAX])
        with self._books.change(organization_of(cycle), actor="sync", cycle=cycle) as books:
            known = books.asked
            # One that a person holds, or that is settled, waits already: the refusal is on record.
            if known and known.is_unsettled and known.held is None:
                books.append(known, known.hold(held))

    def _release(self, cycle: str) -> None:
        with self._books.change(organization_of(cycle), actor="sync", cycle=cycle) as books:
            known = books.asked
            if known and known.held and known.held.kind in HOLDS:
                books.append(known, known.release("Stripe equals the books again", self._now()))


def adoption(state: StripeInvoice, reason: str, at: datetime) -> EditsAdopted:
    """What others did to a draft since the last proof, as the books take it over.

    Raises:
        RuleViolation: the draft is gone, or is none any more.
    """
    if state.status != "draft":
        raise RuleViolation(
            "there is no draft whose changes could be taken over; overwrite makes a new one",
            code="nothing_to_adopt",
        )
    # Since something of ours was tried, nobody can tell whose doing a change of our lines is.
    proved = state.proved if state.settled else {}
    changed = {
        key: (state.lines[key].amount if key in state.lines else 0) - before.amount
        for key, before in proved.items()
    }
    return EditsAdopted(
        at=at,
        adoption=f"{state.invoice}/{state.decisions}",
        reason=reason,
        amounts={key: amount for key, amount in changed.items() if amount},
        lines=tuple(map(_strange, state.foreign)),
    )


def _strange(line: ForeignLine) -> StrangeLine:
    return StrangeLine(line.line, line.amount, line.description, line.start, line.end)
