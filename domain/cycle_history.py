"""What has happened in a billing cycle: its state, and the one way it changes."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Self

from domain.attachment import Attachment, Run
from domain.events.cycle import (
    AttachmentQuantityChanged,
    CreditApplied,
    CycleClosed,
    CycleClosing,
    CycleHeld,
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
from domain.period import Period


class Status(StrEnum):
    """Where a cycle is in its life. ``closed`` has its usage cut-off and waits to be issued."""

    ACCRUING = "accruing"
    CLOSING = "closing"
    CLOSED = "closed"
    FINALIZING = "finalizing"
    ISSUED = "issued"
    PAID = "paid"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"


ACCEPTS_USAGE = frozenset({Status.ACCRUING, Status.CLOSING})
ACCEPTS_CHANGES = frozenset({Status.ACCRUING, Status.CLOSING})
UNISSUED = frozenset({Status.ACCRUING, Status.CLOSING, Status.CLOSED, Status.FINALIZING})


STATUS_AFTER: dict[type, Status] = {
    CycleClosing: Status.CLOSING,
    CycleClosed: Status.CLOSED,
    FinalizationStarted: Status.FINALIZING,
    InvoiceFinalized: Status.ISSUED,
    InvoicePaid: Status.PAID,
    InvoiceVoided: Status.VOID,
    InvoiceMarkedUncollectible: Status.UNCOLLECTIBLE,
}
"""The events that move a cycle on in its life, and where to."""


@dataclass(kw_only=True)
class CycleHistory:
    """A cycle as its events have made it, without its usage."""

    id: str
    organization: str
    currency: str
    period: Period
    full_period: Period
    time_zone: str
    opened_at: datetime
    revision: int = 1
    status: Status = Status.ACCRUING
    held: CycleHeld | None = None
    attachments: dict[str, Attachment] = field(default_factory=dict)
    items: dict[str, OneOffItemAdded] = field(default_factory=dict)
    credits: dict[str, CreditApplied] = field(default_factory=dict)
    settled: FinalizationStarted | None = None
    issued: InvoiceFinalized | None = None
    paid: InvoicePaid | None = None

    def copy(self) -> Self:
        """The same state, to be changed apart from this one."""
        return replace(
            self,
            attachments={key: known.copy() for key, known in self.attachments.items()},
            items=dict(self.items),
            credits=dict(self.credits),
        )

    def apply(self, event: object) -> None:
        """Take one event into account. What is in the log has happened: nothing is refused.

        Raises:
            TypeError: a billing cycle has no such event.
        """
        match event:
            case ServiceAttached() | AttachmentQuantityChanged() | ServiceDetached():
                self._apply_to_attachment(event)
            case OneOffItemAdded():
                self.items[event.item] = event
            case CreditApplied():
                self.credits[event.credit] = event
            case CycleHeld():
                self.held = event
            case CycleReleased():
                self.held = None
            case _ if type(event) in STATUS_AFTER:
                self._move_on(event)
            case _:
                raise TypeError(f"a billing cycle has no {type(event).__name__}")

    def _apply_to_attachment(
        self, event: ServiceAttached | AttachmentQuantityChanged | ServiceDetached
    ) -> None:
        match event:
            case ServiceAttached():
                known = self.attachments.setdefault(
                    event.attachment, Attachment(id=event.attachment)
                )
                known.add(_run(event))
            case AttachmentQuantityChanged():
                run = self._run_for(event.attachment, event.at)
                run.set_quantity(event.at, event.quantity)
                run.restated |= event.at == run.since and not event.carried
            case ServiceDetached():
                run = self._run_for(event.attachment, event.at)
                run.end(event.at)
                run.cancelled = run.carried and event.carried and event.at == run.since

    def _move_on(self, event: object) -> None:
        self.status = STATUS_AFTER[type(event)]
        match event:
            case FinalizationStarted():
                self.settled = event
            case InvoiceFinalized():
                self.issued = event
            case InvoicePaid():
                self.paid = event

    def _run_for(self, attachment: str, at: datetime) -> Run:
        known = self.attachments[attachment]
        return known.run_at(at) or known.runs[-1]


def _run(event: ServiceAttached) -> Run:
    return Run(
        service=event.service,
        name=event.name,
        prices=event.prices,
        since=event.at,
        quantities=[(event.at, event.quantity)],
        carried=event.carried,
    )
