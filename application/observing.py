"""Looking at Stripe: what it holds for a cycle, and how that compares with our record."""

from collections.abc import Container
from dataclasses import replace
from datetime import datetime, timedelta

from application.gateway import Desired, InvoiceGateway
from application.stripe_calls import StripeLog
from domain.events.stripe_invoice import (
    CustomerFound,
    Discrepancy,
    ForeignLine,
    HeldLine,
    InvoiceProvedEqual,
)
from domain.line_key import strange_key
from domain.stripe_invoice import StripeInvoice
from projections.change_set import ChangeSet, diff
from projections.proof import Expectation, compare, wanted
from projections.remote_invoice import RemoteInvoice, RemoteStatus, as_recorded, deleted, news

NOTHING_BY_POLICY = "nothing at Stripe, by policy"

CLOCKS_DIFFER_MAX = timedelta(hours=1)
"""How far our clock and Stripe's may lie apart when looking for what was made since."""


class Observer:
    """Finds a cycle's invoice at Stripe: by its recorded id, else among the customer's."""

    def __init__(self, gateway: InvoiceGateway, log: StripeLog, desired: Desired) -> None:
        self._gateway = gateway
        self._log = log
        self._desired = desired
        self._revision = desired.invoice.revision

    @property
    def customer(self) -> str | None:
        """Stripe's id of the customer, as far as it is known."""
        return self._desired.customer.stripe_id or self._log.state.customer

    def compare(self, seen: RemoteInvoice | None, *, ask: bool = True) -> ChangeSet:
        """What must change for Stripe to hold our invoice, given what it was seen to hold.

        ask: whether Stripe may be asked for products that are not known to be there.
        """
        if seen is None and self._desired.awaits:
            return ChangeSet(invoice=self._desired.invoice, remote=None, changes=())
        changes = diff(
            self._desired.invoice,
            seen,
            customer=self.customer,
            unwanted=self._log.state.unwanted,
            collection=self._desired.collection,
            undiscounted=self._log.state.undiscounted,
        )
        has = self._gateway.has_product
        return changes.making(each for each in changes.sold if not has(each, ask=ask))

    def glance(self) -> RemoteInvoice | None:
        """The invoice as one read shows it, or ``None``: usually one read.

        One that somebody finalized and took back before we asked for it is as good as none.
        """
        known = self._log.state.live(self._revision)
        if known is not None:
            seen = self._gateway.glance(known)
            if seen and not self._taken_back(seen):
                return seen
            self._note_gone(seen)
        found = self.candidates()
        return next((each for each in found if not self._taken_back(each)), None)

    def _taken_back(self, seen: RemoteInvoice) -> bool:
        state = self._log.state
        return seen.status is RemoteStatus.VOID and not (state.issued or state.voiding)

    def _note_gone(self, seen: RemoteInvoice | None) -> None:
        state = self._log.state
        if seen is None:
            self._log.add(deleted(state))
        else:
            self._log.add(*news(state, self._gateway.complete(seen), self._revision))

    def candidates(self) -> tuple[RemoteInvoice, ...]:
        """Every invoice of this revision at Stripe: those not void first, oldest first."""
        if self.customer is None:
            return ()
        found = self._gateway.find(self.customer, self._desired.invoice.cycle)
        mine = [each for each in found if each.marks.revision == self._revision]
        return tuple(sorted(mine, key=lambda each: each.status is RemoteStatus.VOID))

    def read_back(self) -> RemoteInvoice | None:
        """The invoice we just wrote to, completely, by its id."""
        known = self._log.state.live(self._revision)
        seen = self._gateway.glance(known) if known is not None else None
        if known is not None and seen is None:
            self._log.add(deleted(self._log.state))
        return self._gateway.complete(seen) if seen else None

    def recorded(self) -> RemoteInvoice | None:
        """The invoice as our record has it."""
        return as_recorded(self._log.state, self._revision)

    def edits(self, seen: RemoteInvoice | None) -> tuple[Discrepancy, ...]:
        """What others changed since the last proof, recorded as it is found.

        Where something of ours was tried since, only lines of others are surely not our doing,
        and whatever differs from a plan that was carried out.
        A line of ours that is there twice is no one's edit: the second goes, whoever made it.
        """
        state, known = self._log.state, seen.id if seen else self._log.state.invoice
        if held_by_proof(state, self._revision):
            found = compare(proved(state, self._desired), seen)
            self._log.add(*state.judged(found, known, "read and gone"))
            return tuple(each for each in found if each.kind != "duplicate_line")
        now = compare(expectation(self._desired, issued=state.issued), seen)
        others = (*state.foreign, *(seen.foreign if seen else ()))
        theirs = {strange_key(each.line) for each in others}
        edits = tuple(edit for each in now if (edit := self._edit(each, theirs)))
        self._log.add(*state.judged((*state.discrepancies.values(), *edits), known, ""))
        return edits

    def _edit(self, found: Discrepancy, theirs: Container[str]) -> Discrepancy | None:
        """What differs from our books as they are, if that is surely others' doing.

        Where the books went on since the plan, it is what was found when they had not.
        theirs: keys of lines of others, which we never write.
        """
        state, invoice = self._log.state, self._desired.invoice
        if found.kind == "foreign_line" or found.key in theirs:
            return found
        if found.kind == "duplicate_line" or not state.applied:
            return None
        if state.planned_digest == invoice.digest():
            return found
        before = state.discrepancies.get(found.id)
        return replace(before, theirs=found.theirs) if before else None

    def look_for_customer(self, since: datetime) -> None:
        """Find the customer that an unanswered call may have made."""
        organization = self._desired.customer.organization
        if found := self._gateway.find_customer(organization, since - CLOCKS_DIFFER_MAX):
            self._log.add(CustomerFound(customer=found))
            self._log.save()


def in_step(state: StripeInvoice, seen: RemoteInvoice, desired: Desired) -> bool:
    """Whether a glance suffices: proved before with this digest, and untouched since.

    Compares status, subtotal, line count, our digest in the metadata and the lines in sight
    with the record. A total kept by two opposite edits out of sight is left to the audit.
    """
    recorded = as_recorded(state, desired.invoice.revision)
    digest = desired.invoice.digest()
    if recorded is None or state.discrepancies or state.problem or state.proved_digest != digest:
        return False
    return (
        _summary(seen) == _summary(recorded)
        and (seen.is_draft or state.issued or seen.status is RemoteStatus.VOID)
        and seen.marks.digest == digest
        and (seen.collection in (None, desired.collection) or not seen.is_draft)
        and not seen.duplicates
        and set(seen.foreign) <= set(recorded.foreign)
        and all(recorded.lines.get(key) == line for key, line in seen.lines.items())
    )


def _summary(invoice: RemoteInvoice) -> tuple[object, ...]:
    numbers = (invoice.subtotal, invoice.total, invoice.line_count)
    return (invoice.id, invoice.status, invoice.customer, invoice.currency, *numbers)


def held_by_proof(state: StripeInvoice, revision: int) -> bool:
    """Whether Stripe should still hold what the last proof saw: nothing was tried since."""
    return state.settled and state.proof is not None and state.proof.revision == revision


def expectation(desired: Desired, *, issued: bool) -> Expectation:
    """What Stripe should hold by our books as they are now."""
    return Expectation(
        cycle=desired.invoice.cycle,
        revision=desired.invoice.revision,
        currency=desired.invoice.currency,
        lines=wanted(desired.invoice),
        customer=desired.customer.stripe_id,
        issued=issued,
        automatic_tax=desired.collection.automatic_tax,
    )


def proved(state: StripeInvoice, desired: Desired) -> Expectation:
    """What Stripe should hold by the last proof."""
    return Expectation(
        cycle=desired.invoice.cycle,
        revision=desired.invoice.revision,
        currency=desired.invoice.currency,
        lines=state.proved | {strange_key(each.line): _held(each) for each in state.proved_foreign},
        customer=desired.customer.stripe_id,
        issued=state.issued,
    )


def _held(line: ForeignLine) -> HeldLine:
    return HeldLine(
        key=strange_key(line.line),
        line=line.line,
        amount=line.amount,
        start=line.start,
        end=line.end,
        description=line.description,
    )


def proof_of(desired: Desired, seen: RemoteInvoice | None, read_at: datetime) -> InvoiceProvedEqual:
    """The proof of a comparison that found nothing."""
    invoice = desired.invoice
    seen = seen.claiming({line.key for line in invoice.lines}) if seen else None
    if seen is None:
        return InvoiceProvedEqual(
            invoice=None,
            status=None,
            revision=invoice.revision,
            digest=invoice.digest(),
            lines=0,
            subtotal=0,
            total=0,
            foreign=0,
            read_at=read_at,
            policy=NOTHING_BY_POLICY,
        )
    return InvoiceProvedEqual(
        invoice=seen.id,
        status=seen.status.value,
        revision=invoice.revision,
        digest=seen.digest(invoice.cycle, invoice.revision),
        lines=len(seen.lines),
        subtotal=seen.subtotal,
        total=seen.total,
        foreign=sum(line.kind == "stripe" for line in invoice.lines),
        read_at=read_at,
    )


def second_invoices(live: tuple[RemoteInvoice, ...]) -> tuple[Discrepancy, ...]:
    """Every invoice beyond the first that carries the same cycle and revision."""
    others = [each for each in live if each.status is not RemoteStatus.VOID][1:]
    return tuple(
        Discrepancy(kind="second_invoice", key=each.id, ours="", theirs=str(each.subtotal))
        for each in others
    )
