"""Decisions about usage records that were wrong, and about what became known late."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.cycle.history import CycleHistory
from domain.errors import InvalidInput, RuleViolation
from domain.events.cycle import CycleEvent
from domain.events.late import (
    NOTE,
    CorrectionReverted,
    LateFactsBilled,
    LateFactsReopened,
    LateLine,
    LateProposalAccepted,
    UsageCorrected,
    UsageRetracted,
)
from domain.events.usage import PackedRecord, instant
from domain.period import written_utc


@dataclass(kw_only=True)
class CorrectionDecisions(CycleHistory):
    """Compensating facts. They are decided on the state with everything known."""

    def retract(self, record: PackedRecord, reason: str) -> list[CycleEvent]:
        """Let a usage record of this cycle not count. Twice does nothing."""
        known = self.corrections.get((record.source, record.id))
        if known is not None and known.becomes is None:
            return []
        return [
            UsageRetracted(
                at=instant(record.at),
                source=record.source,
                id=record.id,
                record=record,
                reason=reason,
            )
        ]

    def correct(self, record: PackedRecord, becomes: PackedRecord, reason: str) -> list[CycleEvent]:
        """Let a usage record of this cycle count as another one. Twice does nothing.

        Raises:
            InvalidInput: what it becomes is another record, or lies in another cycle.
        """
        if (becomes.source, becomes.id, becomes.meter) != (record.source, record.id, record.meter):
            raise InvalidInput("a correction keeps source, id and meter", field="becomes")
        if instant(becomes.at) not in self.period:
            raise InvalidInput(
                f"{written_utc(instant(becomes.at))} is not within {self.id}, where the record is; "
                "retract it and send another",
                field="occurred_at",
            )
        known = self.corrections.get((record.source, record.id))
        if becomes == (known.becomes if known else record):
            return []
        return [
            UsageCorrected(
                at=instant(record.at),
                source=record.source,
                id=record.id,
                record=record,
                becomes=becomes,
                reason=reason,
            )
        ]

    def revert(self, record: PackedRecord, reason: str) -> list[CycleEvent]:
        """Let a usage record count as it was recorded again. Without a correction, nothing."""
        if (record.source, record.id) not in self.corrections:
            return []
        return [
            CorrectionReverted(
                at=instant(record.at),
                source=record.source,
                id=record.id,
                record=record,
                reason=reason,
            )
        ]

    def bill_late(
        self, by: str, lines: Mapping[str, int], at: datetime, *, open: bool, reason: str = ""
    ) -> list[CycleEvent]:
        """Say that late amounts were billed ``by`` another invoice, a note, or written off.

        open: whether something is left to be billed, noted or decided.
        """
        return [LateFactsBilled(at=at, by=by, lines=dict(lines), open=open, reason=reason)]

    def reopen_late(self, by: str, at: datetime) -> list[CycleEvent]:
        """The invoice that billed late amounts is void. Without any, nothing."""
        return [LateFactsReopened(at=at, by=by)] if by in self.billed_late else []

    def measure_late_anew(self, at: datetime) -> list[CycleEvent]:
        """The invoice is issued anew with everything known: what others billed late of the one
        before is in it once more, and comes back. Without any, nothing.
        """
        stands = any(any(lines.values()) for lines in self.billed_late.values())
        return [LateFactsReopened(at=at, by=self.id)] if stands else []

    def accept_late(self, line: str, reason: str, at: datetime) -> list[CycleEvent]:
        """Let a late amount be billed though a person had adjusted the line. Twice does nothing.

        Raises:
            RuleViolation: nobody had.
        """
        if line in self.agreed_late:
            return []
        if line not in self.adjusted_lines():
            raise RuleViolation(
                f"nobody adjusted {line} on {self.id}: late amounts of it are billed anyway",
                code="not_a_proposal",
            )
        return [LateProposalAccepted(at=at, line=line, reason=reason)]

    def adjusted_lines(self) -> frozenset[str]:
        """Lines whose amount a person decided: waived, set, or corrected by a note."""
        by_hand = (
            each for each in self.standing_notes if late_note(each.note) not in self.billed_late
        )
        notes = (line for note in by_hand for line in note.lines)
        return frozenset(
            {
                *(each.line for each in self.waived),
                *(each.line for each in self.overridden),
                *(line for each in self.adopted for line in each.amounts),
                *notes,
            }
        )

    def creditable(self, late: Iterable[LateLine]) -> dict[str, int]:
        """The late amounts that a credit note on this invoice can give back, by line.

        Stripe has to have the invoice, and the line has to have that much left. The rest is
        billed with the next invoice.
        """
        if self.settled is None or not self.is_collected:
            return {}
        left = dict(self.settled.lines)
        for note in self.standing_notes:
            for line, amount in note.lines.items():
                left[line] = left.get(line, 0) - amount
        return {
            each.line: each.amount for each in late if 0 < -each.amount <= left.get(each.line, 0)
        }

    @property
    def is_collected(self) -> bool:
        """Whether Stripe has issued this invoice, and it was not taken back."""
        at_stripe = self.issued is not None and self.issued.stripe_invoice is not None
        return at_stripe and not self.is_void

    def pending_notes(self) -> list[str]:
        """Credit notes for late amounts that are decided, and not issued yet."""
        notes = (by.removeprefix(NOTE) for by in self.billed_late if by.startswith(NOTE))
        return [note for note in notes if note not in self.notes]


def late_note(note: str) -> str:
    """By whom late amounts were billed, where a credit note gave them back."""
    return NOTE + note
