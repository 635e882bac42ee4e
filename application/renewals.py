"""Renewals: the draft that a Stripe subscription makes becomes the invoice of the cycle it ends."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from application.driving import DRIVEN
from application.ending import end_early, last_dated
from application.gateway import InvoiceGateway, Renewal, StripeStream
from application.ports import Books, OpenBooks
from application.preparing import GONE
from application.stripe_calls import StripeCalls, StripeLog
from domain.billing_cycle import BillingCycle
from domain.errors import GatewayRejected, NotFound, RuleViolation
from domain.events.amounts import DraftAdopted, DraftMissed, StrangeLine
from domain.events.stripe_invoice import Discrepancy, SyncPlanned
from domain.line_key import strange_key
from domain.rating.adopted import lines_of_others
from projections.remote_invoice import Marks, RemoteInvoice, news

SUBSCRIPTION = "Stripe subscription"
"""The actor of what a subscription did."""

CLOCKS_DIFFER_MAX = timedelta(days=1)
"""How long before a renewal our own clock may have ended the cycle."""


class Renewals:
    """Claims drafts of subscriptions, at once, before Stripe finalizes them by itself.

    resync: has the cycle synced soon. new_token: makes idempotency keys name one attempt.
    """

    def __init__(
        self,
        books: Books,
        gateway: InvoiceGateway,
        stream: StripeStream,
        resync: Callable[[str], None],
        now: Callable[[], datetime],
        new_token: Callable[[], str],
    ) -> None:
        self._books = books
        self._gateway = gateway
        self._stream = stream
        self._resync = resync
        self._now = now
        self._new_token = new_token

    def claim(self, invoice: str) -> str | None:
        """Make a subscription's draft ours; the cycle it is for. Safe to repeat.

        ``None`` where no subscription of an organization that is driven by one made it.

        Raises:
            NotFound: no cycle ends there.
            RuleViolation: that cycle is settled, or on another draft; Stripe's is left alone.
            Busy, GatewayError, GatewayRejected: Stripe could not be told.
        """
        renewal = self._gateway.renewal(invoice)
        if renewal is None or not self._is_ours(renewal):
            return None
        cycle = self._cycle(renewal)
        if renewal.invoice.is_draft and self._claimed(renewal, cycle):
            self._adopt(renewal, cycle.id)
        else:
            self._miss(renewal, cycle.id)
        self._resync(cycle.id)
        return cycle.id

    def _is_ours(self, renewal: Renewal) -> bool:
        try:
            organization = self._books.snapshot(renewal.organization).organization
        except NotFound:
            return False
        linked = organization.stripe_customer == renewal.invoice.customer
        return linked and organization.policy("cycle_driver") == DRIVEN

    def _cycle(self, renewal: Renewal) -> BillingCycle:
        """The cycle that a renewal ends, whose period is the subscription's from then on."""
        with self._books.change(renewal.organization, actor=SUBSCRIPTION) as books:
            cycle = _ended_by(books, renewal)
            if renewal.invoice.is_draft:
                cycle.adopt_draft(self._adopted(renewal, ()))  # refused, nobody touches it
            end = _end(books, cycle, renewal.ended_at)
            if end < cycle.period.end and cycle is books.cycles[-1]:
                end_early(books, end, f"{renewal.subscription} was renewed")
            return cycle

    def _claimed(self, renewal: Renewal, cycle: BillingCycle) -> bool:
        """Tell Stripe to leave the draft to us; whether it was still a draft."""
        log = StripeLog(self._stream, cycle.id, SUBSCRIPTION)
        calls = StripeCalls(self._gateway, log, self._now, self._new_token)
        calls.settle()
        mine = log.state.live(cycle.revision)
        if mine != renewal.invoice.id:
            if mine is not None and self._is_ours_alone(mine, cycle):
                calls.make(self._gateway.delete(mine), fine=(GONE,))
            if not self._told(log, calls, renewal, cycle):
                return False
        log.add(*news(log.state, self._gateway.complete(renewal.invoice), cycle.revision))
        log.save()
        return True

    def _told(
        self, log: StripeLog, calls: StripeCalls, renewal: Renewal, cycle: BillingCycle
    ) -> bool:
        try:
            log.add(_planned(log, renewal, cycle.revision))
            marks = Marks(cycle=cycle.id, revision=cycle.revision, plan=log.state.plan)
            calls.make(self._gateway.claim(renewal.invoice.id, marks))
        except GatewayRejected:
            seen = self._gateway.glance(renewal.invoice.id)
            if seen is None or seen.is_draft:
                raise
            return False
        return True

    def _is_ours_alone(self, mine: str, cycle: BillingCycle) -> bool:
        """Whether the draft from before can go: all that is on it stands in the books.

        Raises:
            RuleViolation: it is a subscription's, or others put a line there.
        """
        seen = self._gateway.glance(mine)
        if seen is None or not seen.is_draft:
            return False
        known = {strange_key(each.line) for each in lines_of_others(cycle)}
        if seen.subscription or self._gateway.complete(seen).claiming(known).foreign:
            message = f"{cycle.id} is on {mine}, which is not ours alone; a person has to delete it"
            raise RuleViolation(message, code="draft_taken", cycle=cycle.id)
        return True

    def _adopted(self, renewal: Renewal, lines: tuple[StrangeLine, ...]) -> DraftAdopted:
        return DraftAdopted(
            at=self._now(),
            invoice=renewal.invoice.id,
            subscription=renewal.subscription,
            lines=lines,
        )

    def _adopt(self, renewal: Renewal, cycle: str) -> None:
        adopted = self._adopted(renewal, _lines(self._gateway.complete(renewal.invoice)))
        with self._change(renewal, cycle) as books:
            if books.asked and (events := books.asked.adopt_draft(adopted)):
                books.append(books.asked, events)

    def _miss(self, renewal: Renewal, cycle: str) -> None:
        """Too late: what is missing there goes on the next cycle, and is a discrepancy."""
        seen = self._gateway.glance(renewal.invoice.id) or renewal.invoice
        status = seen.status.value
        missed = DraftMissed(
            at=self._now(), invoice=renewal.invoice.id, reason=f"it is {status} already"
        )
        with self._change(renewal, cycle) as books:
            if books.asked and (events := books.asked.miss_draft(missed)):
                books.append(books.asked, events)
        log = StripeLog(self._stream, cycle, SUBSCRIPTION)
        found = Discrepancy(
            kind="missed_draft", key=renewal.invoice.id, ours="draft", theirs=status
        )
        log.add(*log.state.judged((*log.state.discrepancies.values(), found), found.key, ""))
        log.save()

    def _change(self, renewal: Renewal, cycle: str) -> AbstractContextManager[OpenBooks]:
        return self._books.change(renewal.organization, actor=SUBSCRIPTION, cycle=cycle)


def _planned(log: StripeLog, renewal: Renewal, revision: int) -> SyncPlanned:
    return log.state.planned(
        revision=revision,
        digest="",
        subtotal=renewal.invoice.subtotal,
        changes=(f"= {renewal.invoice.id} of {renewal.subscription}",),
        calls=1,
        forced=False,
    )


def _ended_by(books: OpenBooks, renewal: Renewal) -> BillingCycle:
    """The cycle on this draft; else the newest that is just over; else the one that goes on.

    One that only just began is not it: the renewal, told late, ended the one before.
    """
    end, cycles = renewal.ended_at, books.cycles
    known = [each for each in cycles if each.draft and each.draft.invoice == renewal.invoice.id]
    over = [each for each in cycles if timedelta(0) <= end - each.period.end <= CLOCKS_DIFFER_MAX]
    within = [
        each for each in cycles if each.period.start + CLOCKS_DIFFER_MAX < end < each.period.end
    ]
    for cycle in (*known, *reversed(over), *within):
        return cycle
    raise NotFound(
        f"{renewal.organization} has no unissued billing cycle that "
        f"{renewal.subscription} ends with {renewal.invoice.id}"
    )


def _end(books: OpenBooks, cycle: BillingCycle, renewed_at: datetime) -> datetime:
    """When the renewal ends the cycle: what we took in before we heard of it stays in it."""
    last = last_dated(books, cycle)
    return renewed_at if last <= renewed_at else last.replace(microsecond=0) + timedelta(seconds=1)


def _lines(seen: RemoteInvoice) -> tuple[StrangeLine, ...]:
    return tuple(
        StrangeLine(line.line, line.amount, line.description, line.start, line.end)
        for line in seen.foreign
    )
