"""What a draft needs around its lines: a customer, products where tax is computed, its terms."""

from collections.abc import Callable
from datetime import datetime

from application.gateway import Desired, Draft, InvoiceGateway
from application.observing import Observer
from application.refusals import CUSTOMER_GONE, refusal
from application.stripe_calls import StripeCalls, StripeLog
from projections.change_set import ChangeSet, CreateProduct, UpdateDraft
from projections.remote_invoice import Marks, RemoteInvoice, deleted

ALREADY_THERE = "resource_already_exists"
GONE = "resource_missing"


class Preparing:
    """The writes of one sync that are not about lines.

    on_customer_linked: keeps (organization, Stripe customer); it may be told twice.
    """

    def __init__(
        self,
        gateway: InvoiceGateway,
        log: StripeLog,
        calls: StripeCalls,
        desired: Desired,
        observer: Observer,
        on_customer_linked: Callable[[str, str], None],
    ) -> None:
        self._gateway = gateway
        self._log = log
        self._calls = calls
        self._desired = desired
        self._observer = observer
        self._linked = on_customer_linked

    def require_customer(self) -> None:
        """Refuse to go on for a customer that is known to be deleted.

        Its draft looks as it did before; only a call that writes would be refused.

        Raises:
            GatewayRejected: it still is, and nobody linked another one.
        """
        problem, customer = self._log.state.problem, self._observer.customer
        if problem is None or problem.code != CUSTOMER_GONE or customer is None:
            return
        found = self._gateway.customer(customer)
        if found is None or found.deleted:
            self._log.save()
            raise refusal(404, CUSTOMER_GONE, problem.message, cycle=self._log.cycle)

    def leave_former_customer(self, seen: RemoteInvoice | None) -> RemoteInvoice | None:
        """Delete our draft for a customer that the organization is not any more.

        One with lines of others is left to a person; so is what was issued.

        Returns:
            What is there for its customer now.
        """
        customer = self._desired.customer.stripe_id
        if seen is None or not seen.is_draft or customer in (None, seen.customer):
            return seen
        seen = self._gateway.complete(seen)
        if seen.foreign or seen.marks.cycle != self._desired.invoice.cycle:
            return seen
        self._calls.make(self._gateway.delete(seen.id), fine=(GONE, CUSTOMER_GONE))
        if self._log.state.live(self._desired.invoice.revision) == seen.id:
            self._log.add(deleted(self._log.state))  # its customer is, and nobody can pay it
        self._log.save()
        return self._observer.glance()

    def draft(self, changes: ChangeSet, marks: Marks) -> str:
        """Stripe's id of the draft to write to; a new one where there is none."""
        if changes.remote is not None:
            return changes.remote.id
        draft = Draft(
            customer=self._customer(),
            currency=self._desired.invoice.currency,
            collection=self._desired.collection,
            marks=marks,
        )
        return self._calls.make(self._gateway.new_draft(draft)).reference or ""

    def terms(self, changes: ChangeSet, invoice: str, *, after_lines: bool) -> None:
        """Bring how it is collected up to date, before its lines or after them."""
        for change in changes.of(UpdateDraft):
            if change.after_lines == after_lines:
                self._calls.make(self._gateway.update_draft(invoice, change))

    def products(self, changes: ChangeSet) -> None:
        """Have what the lines sell in Stripe's catalogue. Somebody else may just have made it."""
        for change in changes.of(CreateProduct):
            self._calls.make(self._gateway.new_product(change.sold), fine=(ALREADY_THERE,))

    def _customer(self) -> str:
        """Stripe's id of the customer: known, found where a call may have made it, or made.

        The key names the organization and the attempt, so that two cycles that start at once
        make one customer, and a failure that Stripe stored with a key is not met for ever.
        """
        billed, state = self._desired.customer, self._log.state
        known = self._observer.customer
        if known is None and (tried_at := self._customer_tried_at()):
            self._observer.look_for_customer(tried_at)
            known = self._observer.customer
        if known is None:
            attempt = f"customer/{billed.organization}/{state.customer_refusals + 1}"
            answer = self._calls.make(self._gateway.new_customer(billed), stable=attempt)
            known = answer.reference or ""
        if known != billed.stripe_id:
            self._linked(billed.organization, known)
        return known

    def _customer_tried_at(self) -> datetime | None:
        """Since when a call may have made one unnoticed, for this cycle or for another."""
        states = [self._log.state, *map(self._log.of_another, self._desired.others)]
        tried = [each.customer_refused_at for each in states]
        calls = [each.open for each in states]
        tried += [each.attempted_at for each in calls if each and each.purpose == "customer"]
        return min((at for at in tried if at), default=None)
