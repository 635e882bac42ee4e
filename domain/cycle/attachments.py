"""Decisions about what is attached in a billing cycle."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from domain.attachment import Attachment, Run
from domain.attribution import check_scopes
from domain.cycle.history import CycleHistory
from domain.errors import InvalidInput, NotFound, RuleViolation
from domain.events.cycle import (
    AttachmentEvent,
    AttachmentQuantityChanged,
    CycleEvent,
    PriceCorrected,
    ServiceAttached,
    ServiceDetached,
    ServiceSwapped,
    TrialEnded,
    TrialStarted,
)
from domain.period import written_utc
from domain.price import Price


@dataclass(kw_only=True)
class AttachmentDecisions(CycleHistory):
    """What may be decided about attachments, by the facts in this state."""

    def attach(
        self,
        attachment: str,
        service: tuple[str, str],
        quantity: Decimal,
        prices: Iterable[Price],
        book: Mapping[str, Price],
        at: datetime,
    ) -> list[AttachmentEvent]:
        """Attach a service (id, name) at an instant. Asking for the same again does nothing.

        Raises:
            RuleViolation: the attachment already runs then or later, no price is in the
                cycle's currency, or a second organization-wide price would rate one meter.
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
        self.require_within(at)
        for run in later:
            raise RuleViolation(
                f"{attachment} is already attached from {written_utc(run.since)}",
                code="already_attached",
                attachment=attachment,
            )
        self._check_currency(service[0], prices)
        check_scopes(self.attachments.values(), prices, at, book)
        return [wanted]

    def change_quantity(
        self, attachment: str, quantity: Decimal, at: datetime
    ) -> list[AttachmentEvent]:
        """Count an attachment for another quantity from an instant on.

        Raises:
            RuleViolation: it is not running then.
        """
        run = self._running(attachment, at)
        if run.quantity_at(at) == quantity:
            return []
        return [AttachmentQuantityChanged(at=at, attachment=attachment, quantity=quantity)]

    def detach(self, attachment: str, at: datetime) -> list[AttachmentEvent]:
        """Stop an attachment at an instant. What already stopped by then stays as it is.

        Raises:
            NotFound: this cycle has no such attachment.
            RuleViolation: it had not begun then.
        """
        self.require_within(at)
        known = self._known(attachment)
        if known.run_at(at) is None:
            if all(run.since > at for run in known.runs):
                raise _not_running(attachment, at)
            return []
        return [ServiceDetached(at=at, attachment=attachment)]

    def detach_all(self, at: datetime) -> list[CycleEvent]:
        """Stop everything that runs on, at the instant at which the period is to end."""
        return [
            ServiceDetached(at=at, attachment=known.id)
            for known in self.attachments.values()
            if known.running_on() is not None
        ]

    def swap(
        self,
        attachment: str,
        service: tuple[str, str],
        quantity: Decimal | None,
        prices: Iterable[Price],
        book: Mapping[str, Price],
        at: datetime,
    ) -> list[AttachmentEvent]:
        """Make an attachment another service, or move it to other price versions, at once.

        quantity: ``None`` keeps the one it has.

        Raises:
            RuleViolation: it is not running then, no price is in the cycle's currency, or a
                meter would be rated twice.
        """
        prices = tuple(prices)
        run = self._running(attachment, at)
        count = run.quantity_at(at) if quantity is None else quantity
        refs = tuple(price.ref for price in prices)
        if (run.service, run.prices, run.quantity_at(at)) == (service[0], refs, count):
            return []
        self._check_currency(service[0], prices)
        others = [each for each in self.attachments.values() if each.id != attachment]
        check_scopes(others, prices, at, book)
        return [
            ServiceSwapped(
                at=at,
                attachment=attachment,
                service=service[0],
                name=service[1],
                quantity=count,
                prices=refs,
            )
        ]

    def start_trial(self, attachment: str, until: datetime, at: datetime) -> list[AttachmentEvent]:
        """Ask for no recurring fees from ``at`` until an instant. Twice does nothing.

        Raises:
            InvalidInput: the trial would be over before it began.
            RuleViolation: the attachment is not running then.
        """
        if until <= at:
            raise InvalidInput("trial_until must lie after at", field="trial_until")
        if self._running(attachment, at).trial_until == until:
            return []
        return [TrialStarted(at=at, attachment=attachment, until=until)]

    def end_trial(self, attachment: str, at: datetime) -> list[AttachmentEvent]:
        """End a trial before its time. Without one, nothing.

        Raises:
            RuleViolation: the attachment is not running then.
        """
        run = self._running(attachment, at)
        if run.trial_until is None or run.trial_until <= at:
            return []
        return [TrialEnded(at=at, attachment=attachment)]

    def correct_price(self, wrong: Price, right: Price, reason: str) -> list[CycleEvent]:
        """Rate by another price version whatever a wrong one rated. Without any, nothing.

        Raises:
            RuleViolation: the right one is in another currency.
        """
        refs = {
            ref for known in self.attachments.values() for run in known.runs for ref in run.prices
        }
        if wrong.ref not in refs or wrong.ref == right.ref:
            return []
        if right.currency != wrong.currency:
            raise _wrong_currency(self.organization, wrong.currency, right.ref)
        start = self.period.start
        return [PriceCorrected(at=start, wrong=wrong.ref, right=right.ref, reason=reason)]

    def require_within(self, at: datetime) -> None:
        """Refuse an instant of another cycle.

        Raises:
            InvalidInput: it is not within this one.
        """
        if at not in self.period:
            raise InvalidInput(f"{written_utc(at)} is not within {self.id}", field="at")

    def _running(self, attachment: str, at: datetime) -> Run:
        self.require_within(at)
        run = self._known(attachment).run_at(at)
        if run is None:
            raise _not_running(attachment, at)
        return run

    def _known(self, attachment: str) -> Attachment:
        try:
            return self.attachments[attachment]
        except KeyError:
            raise NotFound(
                f"{self.organization} has no attachment {attachment} in {self.id}",
                attachment=attachment,
            ) from None

    def _check_currency(self, service: str, prices: tuple[Price, ...]) -> None:
        if prices and all(price.currency != self.currency for price in prices):
            raise _wrong_currency(self.organization, self.currency, service)


def _same(run: Run, wanted: ServiceAttached) -> bool:
    return (run.service, run.quantities[0][1]) == (wanted.service, wanted.quantity)


def _not_running(attachment: str, at: datetime) -> RuleViolation:
    return RuleViolation(
        f"{attachment} is not attached at {written_utc(at)}",
        code="not_attached",
        attachment=attachment,
    )


def _wrong_currency(organization: str, currency: str, what: str) -> RuleViolation:
    return RuleViolation(
        f"{what} has no price in {currency}, in which {organization} pays",
        code="currency_mismatch",
    )
