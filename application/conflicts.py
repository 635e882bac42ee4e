"""Conflicts: what becomes of a draft that others changed, and of a plan that refuses itself."""

import logging
from collections.abc import Callable
from datetime import datetime

from application.desired import organization_of
from application.gateway import StripeStream
from application.given_amounts import reason_if_any
from application.ports import Books
from application.reconciler import Reconciler
from application.sync import SyncResult
from domain.errors import EditedAtStripe, RuleViolation, UnsafeChangeSet
from domain.events.amounts import EditsAdopted, StrangeLine
from domain.events.cycle import CycleHeld
from domain.events.stripe_invoice import ForeignLine
from domain.line_key import is_strange
from domain.stripe_invoice import StripeInvoice
from domain.text import DESCRIPTION_MAX, written

DASHBOARD = "Stripe Dashboard"
"""The actor of what somebody did there: Stripe does not tell who it was."""

BY_POLICY = "by the policy stripe_edits"
HOLDS = ("discrepancy", "plan")
"""The kinds of holds that are set here, and end with the next sync that finds nothing wrong."""

OF_AMOUNTS = ("amount", "missing_line", "unexpected_line")
"""The kinds of discrepancies by which a line comes to something else."""

log = logging.getLogger(__name__)


class Conflicts:
    """Syncs and finalizes as the reconciler does, and by policy where it refuses.

    A draft that others changed is left alone and the cycle held (``hold``), made ours again
    (``overwrite``), or taken over into the books (``adopt``). An unsafe plan holds the cycle.

    now: the clock, aware UTC. unpark: has the queue try a parked cycle again.
    """

    def __init__(
        self,
        reconciler: Reconciler,
        books: Books,
        stream: StripeStream,
        now: Callable[[], datetime],
        unpark: Callable[[str], object],
    ) -> None:
        self._reconciler = reconciler
        self._books = books
        self._stream = stream
        self._now = now
        self._unpark = unpark

    def sync(self, cycle: str, actor: str, force: bool = False, reason: str = "") -> SyncResult:
        """Make Stripe's draft equal our invoice and prove it. reason: why a person asks for it.

        Raises:
            InvalidInput: the reason is too long.
            EditedAtStripe: others changed the draft; it waits for a person, and the cycle is held.
            UnsafeChangeSet: the same for a plan that refuses itself.
            CyclebookError: as the reconciler's ``sync``.
        """
        why = reason_if_any(reason)
        return self._guarded(cycle, lambda: self._reconciler.sync(cycle, actor, force, why))

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

        def first(state: StripeInvoice) -> None:
            if decision == "adopt":
                self._adopt(cycle, state, why, actor)

        self._reconciler.decide(cycle, decision, why, actor, first)

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
        if not result.discrepancies:
            # What kept the queue from trying is over, whoever mended it.
            self._unpark(cycle)
        return result

    def _by_policy(self, cycle: str, work: Callable[[], SyncResult]) -> SyncResult:
        try:
            result = work()
            # Somebody was at the draft while we wrote: what they did is decided on now.
            return work() if result.writes and result.discrepancies else result
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
        draft = known.asked.cycle.draft if known.asked else None
        state, _ = self._stream.load(cycle)
        if draft and draft.invoice == state.invoice and state.only_others_differ:
            return "adopt"
        return str(known.organization.policy("stripe_edits"))

    def _adopt(self, cycle: str, state: StripeInvoice, reason: str, actor: str) -> None:
        edits = adoption(state, reason, self._now())
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
    if "total" in state.discrepancies:
        raise RuleViolation(
            "a discount on the whole invoice cannot be taken over: overwrite the draft, and grant "
            "the discount in the books",
            code="nothing_to_adopt",
        )
    # What is taken over again counts from the same lines, so it takes the place of the first.
    if state.settled:
        changed, since = _changed(state), str(state.decisions_proved)
    elif state.applied:
        changed, since = _differing(state), f"plan-{state.plan}"
    else:  # something of ours was tried: nobody can tell whose doing a change of our lines is
        changed, since = {}, f"try-{state.plan}-{state.decisions}"
    return EditsAdopted(
        at=at,
        adoption=f"{state.invoice}/{since}",
        reason=reason,
        amounts=changed,
        lines=tuple(map(_strange, state.foreign)),
    )


def _changed(state: StripeInvoice) -> dict[str, int]:
    """By how many minor units others moved lines with a key of ours, since the last proof."""
    was = {key: line.amount for key, line in state.proved.items()}
    now = {key: line.amount for key, line in state.lines.items()}
    moved = {key: now.get(key, 0) - was.get(key, 0) for key in was.keys() | now.keys()}
    return {key: amount for key, amount in sorted(moved.items()) if amount}


def _differing(state: StripeInvoice) -> dict[str, int]:
    """The same since the last plan, all of which was carried out, as it was found to differ."""
    found = [each for each in state.discrepancies.values() if each.kind in OF_AMOUNTS]
    ours = [each for each in found if each.key in state.lines or not is_strange(each.key)]
    return {each.key: int(each.theirs or 0) - int(each.ours or 0) for each in ours}


def _strange(line: ForeignLine) -> StrangeLine:
    return StrangeLine(line.line, line.amount, line.description, line.start, line.end)
