"""Repairs: what a reconciliation may mend by itself, because nobody can lose by it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from application.inbox import Message
from application.issuing import Issuing
from application.reconciling.ports import SweptCycles
from domain.billing_cycle import Status
from domain.errors import CyclebookError, RuleViolation, StoreUnavailable
from projections.invoice_summary import InvoiceSummary
from projections.reconciliation import Booked, Finding, Kind
from projections.reconciliation_stripe import AHEAD

NOT_MENDED = "not repaired"


class Repairs:
    """Syncs a draft that lags, rebuilds a projected row, notes what Stripe shows.

    An issued invoice is never touched, nothing is ever deleted, and what a person did at Stripe
    is left to people.

    row_at: the projected row of a cycle, by the log up to a position. sync: the reconciler's, for
    a cycle and an actor. note: records what became of a cycle's invoice at Stripe, by its id
    there. issue: takes a settled cycle on to where Stripe is.
    """

    def __init__(
        self,
        cycles: SweptCycles,
        row_at: Callable[[str, int], InvoiceSummary],
        sync: Callable[[str, str], object],
        note: Callable[[str, str], object],
        issue: Callable[[str, str], object],
    ) -> None:
        self._cycles = cycles
        self._row_at = row_at
        self._sync = sync
        self._note = note
        self._issue = issue

    def carry_out(self, finding: Finding, booked: Booked, actor: str) -> Finding:
        """Mend it where that is safe; the finding tells what was done, or why it failed.

        Raises:
            StoreUnavailable: nothing can be mended just now.
        """
        try:
            done = self._carry_out(finding, booked, actor)
        except StoreUnavailable:
            raise
        except CyclebookError as error:
            done = f"{NOT_MENDED}: {error.code}: {error}"
        return replace(finding, repair=done)

    def _carry_out(self, finding: Finding, booked: Booked, actor: str) -> str | None:
        if finding.kind is Kind.LAGGING:
            self._sync(finding.cycle, actor)
            return "synced"
        if finding.kind is Kind.PROJECTION_DIFFERS:
            self._cycles.mend(finding.cycle, self._row_at)
            return "row rebuilt"
        if finding.kind is Kind.STATUS and is_ahead(finding, booked) and finding.invoice:
            if booked.cycle.status is Status.FINALIZING:
                self._issue(finding.cycle, actor)
            else:
                self._note(finding.cycle, finding.invoice)
            return "noted"
        return None


def is_ahead(finding: Finding, booked: Booked) -> bool:
    """Whether Stripe went on from where the books are, so that they only have to note it."""
    return finding.theirs in AHEAD.get(booked.cycle.status, frozenset())


def noting(
    handle: Callable[[Message, datetime], None], now: Callable[[], datetime]
) -> Callable[[str, str], None]:
    """Notes what became of an invoice in the way a webhook would have, had it come."""

    def note(cycle: str, invoice: str) -> None:
        hint = Message(id="", type="invoice.updated", object_id=invoice, cycle=cycle)
        handle(hint, now())

    return note


def issuing_on(issuing: Issuing, now: Callable[[], datetime]) -> Callable[[str, str], None]:
    """Takes a settled cycle on to where its invoice at Stripe is."""

    def issue(cycle: str, actor: str) -> None:
        waiting = issuing.issue(cycle, now(), actor)
        if waiting is not None:
            raise RuleViolation(waiting.reason, code=waiting.code, cycle=cycle)

    return issue
