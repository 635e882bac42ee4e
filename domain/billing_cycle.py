"""The billing cycle: one organization, one period, one invoice."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from domain.attachment import Attachment, Run
from domain.attribution import check_scopes
from domain.carry import carried
from domain.cycle_history import (
    ACCEPTS_CHANGES,
    ACCEPTS_USAGE,
    STATUS_AFTER,
    UNISSUED,
    CycleHistory,
    Status,
)
from domain.errors import InvalidInput, NotFound, RuleViolation
from domain.events.cycle import (
    AttachmentQuantityChanged,
    CreditApplied,
    CycleClosed,
    CycleClosing,
    CycleEvent,
    CycleHeld,
    CycleOpened,
    CycleReleased,
    FinalizationStarted,
    InvoiceFinalized,
    InvoiceMarkedUncollectible,
    InvoicePaid,
    InvoiceVoided,
    OneOffItemAdded,
    ServiceAttached,
    ServiceDetached,
)
from domain.invoice import Invoice
from domain.period import Period, written_utc
from domain.price import Price

__all__ = ["ACCEPTS_CHANGES", "ACCEPTS_USAGE", "UNISSUED", "BillingCycle", "Status", "opened"]


@dataclass(kw_only=True)
class BillingCycle(CycleHistory):
    """A cycle as its events have made it, and what may be decided about it.

    Decisions (``attach``, ``detach``, ``close``, ...) read this state, return the events to
    append, and change nothing. Only ``apply`` changes anything.
    """

    # Decisions on attachments

    def attach(
        self,
        attachment: str,
        service: tuple[str, str],
        quantity: Decimal,
        prices: Iterable[Price],
        book: Mapping[str, Price],
        at: datetime,
    ) -> list[CycleEvent]:
        """Attach a service (id, name) at an instant. Asking for the same again does nothing.

        Raises:
            RuleViolation: the attachment already runs then or later, a price has another
                currency, or a second organization-wide price would rate the same meter.
        """
        prices = tuple(prices)
        known = self.attachments.get(attachment, Attachment(id=attachment))
        wanted = ServiceAttached(
            at=at,
            attachment=attachment,
            service=service[0],
            name=service[1],
            quantity=quantity,
            prices=tuple(price.ref for price in prices),
        )
        later = [run for run in known.runs if run.until is None or run.until > at]
        if any(run.since == at and _same(run, wanted) for run in later):
            return []
        self._require_changeable(at)
        for run in later:
            raise RuleViolation(
                f"{attachment} is already attached from {written_utc(run.since)}",
                code="already_attached",
                attachment=attachment,
            )
        self._check_currency(prices)
        check_scopes(self.attachments.values(), prices, at, book)
        return [wanted]

    def change_quantity(self, attachment: str, quantity: Decimal, at: datetime) -> list[CycleEvent]:
        """Count an attachment for another quantity from an instant on.

        Raises:
            RuleViolation: it is not running then.
        """
        self._require_changeable(at)
        run = self._known(attachment).run_at(at)
        if run is None:
            raise _not_running(attachment, at)
        if run.quantity_at(at) == quantity:
            return []
        return [AttachmentQuantityChanged(at=at, attachment=attachment, quantity=quantity)]

    def detach(self, attachment: str, at: datetime) -> list[CycleEvent]:
        """Stop an attachment at an instant. What already stopped by then stays as it is.

        Raises:
            NotFound: this cycle has no such attachment.
            RuleViolation: it had not begun then.
        """
        self._require_changeable(at)
        known = self._known(attachment)
        if known.run_at(at) is None:
            if all(run.since > at for run in known.runs):
                raise _not_running(attachment, at)
            return []
        return [ServiceDetached(at=at, attachment=attachment)]

    def carry_from(self, previous: "BillingCycle") -> list[CycleEvent]:
        """What must be said here so that this cycle begins as ``previous`` ended.

        At opening that is every running attachment. Later, when a change is dated into the
        cycle before, it is the difference that change makes at this cycle's start.
        """
        return carried(previous.attachments, self.attachments, self.period.start)

    # Decisions on amounts by hand

    def add_item(self, item: OneOffItemAdded) -> list[CycleEvent]:
        """Add a one-off amount. The same item again does nothing.

        Raises:
            RuleViolation: another item has this id.
        """
        known = self.items.get(item.item)
        if known is None:
            self._require_changeable(item.at)
            return [item]
        if (known.amount, known.description) != (item.amount, item.description):
            raise RuleViolation(
                f"item {item.item} was added with another content", code="conflict", item=item.item
            )
        return []

    # Decisions on the cycle's life

    def begin_closing(self, at: datetime) -> list[CycleEvent]:
        """The period is over. Twice does nothing."""
        return [CycleClosing(at=at)] if self.status is Status.ACCRUING else []

    def close(self, at: datetime) -> list[CycleEvent]:
        """Cut usage off. Twice does nothing.

        Raises:
            RuleViolation: the period is not over yet.
        """
        if self.status is Status.ACCRUING:
            raise RuleViolation(f"{self.id} still accrues", code="cycle_accruing", cycle=self.id)
        return [CycleClosed(at=at)] if self.status is Status.CLOSING else []

    def start_finalization(
        self, invoice: Invoice, applied: Iterable[CreditApplied], version: int, at: datetime
    ) -> list[CycleEvent]:
        """Settle the books of this invoice. Twice does nothing.

        Raises:
            RuleViolation: usage is not cut off yet, or a person has to release the cycle.
        """
        if self.status is not Status.CLOSED:
            if self.status in ACCEPTS_USAGE:
                raise RuleViolation(
                    f"{self.id} is {self.status}", code="cycle_not_closed", cycle=self.id
                )
            return []
        if self.held is not None:
            raise RuleViolation(
                f"{self.id} is held: {self.held.reason}", code="cycle_held", cycle=self.id
            )
        started = FinalizationStarted(
            at=at,
            version=version,
            digest=invoice.digest(),
            subtotal=invoice.subtotal,
            lines={line.key: line.amount for line in invoice.lines},
        )
        return [*applied, started]

    def finalize(self, issued: InvoiceFinalized) -> list[CycleEvent]:
        """The invoice was issued. Twice does nothing.

        Raises:
            RuleViolation: finalization has not started.
        """
        if self.status in UNISSUED - {Status.FINALIZING}:
            raise RuleViolation(
                f"{self.id} is {self.status}", code="cycle_not_finalizing", cycle=self.id
            )
        return [issued] if self.status is Status.FINALIZING else []

    def hold(self, held: CycleHeld) -> list[CycleEvent]:
        """Make finalization wait for a person. Twice for the same reason does nothing.

        Raises:
            RuleViolation: it is too late to hold, or it is held for another reason.
        """
        if self.status not in UNISSUED - {Status.FINALIZING}:
            raise RuleViolation(f"{self.id} is {self.status}", code="too_late", cycle=self.id)
        if self.held is None:
            return [held]
        if self.held.reason == held.reason:
            return []
        raise RuleViolation(
            f"{self.id} is held already: {self.held.reason}", code="cycle_held", cycle=self.id
        )

    def release(self, reason: str, at: datetime) -> list[CycleEvent]:
        """End a hold. Without one, nothing."""
        return [] if self.held is None else [CycleReleased(at=at, reason=reason)]

    def record_outcome(
        self, outcome: InvoicePaid | InvoiceVoided | InvoiceMarkedUncollectible
    ) -> list[CycleEvent]:
        """What became of the issued invoice. News twice does nothing.

        Raises:
            RuleViolation: it was not issued yet.
        """
        if self.status in UNISSUED:
            raise RuleViolation(f"{self.id} is {self.status}", code="not_issued", cycle=self.id)
        return [] if self.status is STATUS_AFTER[type(outcome)] else [outcome]

    def _known(self, attachment: str) -> Attachment:
        try:
            return self.attachments[attachment]
        except KeyError:
            raise NotFound(
                f"{self.organization} has no attachment {attachment} in {self.id}",
                attachment=attachment,
            ) from None

    def _require_changeable(self, at: datetime) -> None:
        if self.status not in ACCEPTS_CHANGES:
            raise RuleViolation(
                f"{self.id} is {self.status}; date the change into the accruing cycle",
                code="cycle_closed",
                cycle=self.id,
            )
        if at not in self.period:
            raise InvalidInput(f"{written_utc(at)} is not within {self.id}", field="at")

    def _check_currency(self, prices: tuple[Price, ...]) -> None:
        for price in prices:
            if price.currency != self.currency:
                raise RuleViolation(
                    f"price {price.ref} is in {price.currency}, {self.organization} pays in "
                    f"{self.currency}",
                    code="currency_mismatch",
                )


def opened(event: CycleOpened, recorded_at: datetime) -> BillingCycle:
    """A cycle as its first event makes it."""
    return BillingCycle(
        id=event.cycle,
        organization=event.organization,
        currency=event.currency,
        period=Period(event.start, event.end),
        full_period=Period(event.full_start, event.full_end),
        time_zone=event.time_zone,
        opened_at=recorded_at,
    )


def _same(run: Run, wanted: ServiceAttached) -> bool:
    return (run.service, run.quantities[0][1]) == (wanted.service, wanted.quantity)


def _not_running(attachment: str, at: datetime) -> RuleViolation:
    return RuleViolation(
        f"{attachment} is not attached at {written_utc(at)}",
        code="not_attached",
        attachment=attachment,
    )
