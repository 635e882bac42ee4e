"""The facts of a billing cycle but usage: attachments, corrections, what was left to it."""

from dataclasses import dataclass, field
from datetime import datetime

from domain.attachment import Attachment, Run
from domain.correction import Correction, RecordId
from domain.events.amounts import HandedOver
from domain.events.cycle import (
    AttachmentQuantityChanged,
    PriceCorrected,
    ServiceAttached,
    ServiceDetached,
    ServiceSwapped,
    TrialEnded,
    TrialStarted,
)
from domain.events.late import CorrectionReverted, UsageCorrected, UsageRetracted
from domain.period import Period

AttachmentFact = (
    ServiceAttached
    | AttachmentQuantityChanged
    | ServiceSwapped
    | ServiceDetached
    | TrialStarted
    | TrialEnded
)
Fact = (
    AttachmentFact
    | UsageRetracted
    | UsageCorrected
    | CorrectionReverted
    | PriceCorrected
    | HandedOver
)
"""What happened in the world, apart from usage: after the cut-off it is a late fact."""


@dataclass(kw_only=True)
class CycleFacts:
    """One organization's period, and what was on in it.

    continued: the cycle before is part of the same full period. handover: what it left.
    """

    id: str
    organization: str
    currency: str
    period: Period
    full_period: Period
    time_zone: str
    opened_at: datetime
    continued: bool = False
    attachments: dict[str, Attachment] = field(default_factory=dict)
    corrections: dict[RecordId, Correction] = field(default_factory=dict)
    handover: HandedOver | None = None

    def take(self, fact: Fact) -> None:
        """Take one fact into account. Nothing is refused."""
        match fact:
            case UsageRetracted():
                self._correct(fact, Correction(record=fact.record, becomes=None))
            case UsageCorrected():
                self._correct(fact, Correction(record=fact.record, becomes=fact.becomes))
            case CorrectionReverted():
                self.corrections.pop((fact.source, fact.id), None)
            case PriceCorrected():
                self._reprice(fact)
            case HandedOver():
                self.handover = fact
            case _:
                self._take_attachment_fact(fact)

    def _correct(self, fact: UsageRetracted | UsageCorrected, correction: Correction) -> None:
        self.corrections[fact.source, fact.id] = correction

    def _reprice(self, fact: PriceCorrected) -> None:
        for attachment in self.attachments.values():
            for run in attachment.runs:
                run.prices = tuple(fact.right if ref == fact.wrong else ref for ref in run.prices)

    def _take_attachment_fact(self, fact: AttachmentFact) -> None:
        match fact:
            case ServiceAttached():
                self._begin(fact, carried=fact.carried)
            case ServiceSwapped():
                run = self._run_for(fact.attachment, fact.at)
                until = run.until  # what is known to have ended, or changed again, still did
                run.end(fact.at)
                self._begin(fact, carried=False, until=until)
            case AttachmentQuantityChanged():
                run = self._run_for(fact.attachment, fact.at)
                run.set_quantity(fact.at, fact.quantity)
                run.restated |= fact.at == run.since and not fact.carried
            case ServiceDetached():
                run = self._run_for(fact.attachment, fact.at)
                run.end(fact.at)
                run.cancelled = run.carried and fact.carried and fact.at == run.since
            case TrialStarted():
                run = self._run_for(fact.attachment, fact.at)
                run.trial_until = fact.until
                run.trial_own |= not fact.carried
            case TrialEnded():
                run = self._run_for(fact.attachment, fact.at)
                run.trial_until = fact.at
                run.trial_ended = run.trial_ended if fact.carried else fact.at

    def _begin(
        self,
        fact: ServiceAttached | ServiceSwapped,
        *,
        carried: bool,
        until: datetime | None = None,
    ) -> None:
        known = self.attachments.setdefault(fact.attachment, Attachment(id=fact.attachment))
        known.add(
            Run(
                service=fact.service,
                name=fact.name,
                prices=fact.prices,
                since=fact.at,
                until=until,
                quantities=[(fact.at, fact.quantity)],
                carried=carried,
            )
        )

    def _run_for(self, attachment: str, at: datetime) -> Run:
        known = self.attachments[attachment]
        return known.run_at(at) or known.runs[-1]
