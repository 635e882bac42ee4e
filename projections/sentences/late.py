"""Sentences about what became known late, and about what was recorded wrongly."""

from collections.abc import Iterable

from domain.events.late import (
    CorrectionReverted,
    LateAmountsBilled,
    LateFactsBilled,
    LateFactsReopened,
    LateProposalAccepted,
    UsageCorrected,
    UsageRetracted,
)
from projections.sentences.wording import (
    Context,
    Sentences,
    because,
    counted,
    in_brackets,
    measured,
)

NOTE = "note/"
PERSON = "person"


def _retracted(event: UsageRetracted, context: Context) -> str:
    return f"{_record(event)} retracted{because(event.reason)} ({measured(event.record, context)})"


def _corrected(event: UsageCorrected, context: Context) -> str:
    was, now = event.record, event.becomes
    changes = [f"{measured(was, context)} becomes {measured(now, context)}"]
    changes += [
        f"{name} {was.properties.get(name) or 'nothing'} becomes "
        f"{now.properties.get(name) or 'nothing'}"
        for name in sorted(was.properties.keys() | now.properties.keys())
        if was.properties.get(name) != now.properties.get(name)
    ]
    return f"{_record(event)} corrected{because(event.reason)} ({'; '.join(changes)})"


def _reverted(event: CorrectionReverted, context: Context) -> str:
    again = "counts as it was recorded again"
    return f"{_record(event)} {again}{because(event.reason)} ({measured(event.record, context)})"


def _record(event: UsageRetracted | UsageCorrected | CorrectionReverted) -> str:
    return f"Usage record {event.id} of {event.source}"


def _late_amounts(event: LateAmountsBilled, context: Context) -> str:
    amounts = _amounts([line.amount for line in event.lines], context)
    return f"Late facts of {event.cycle} billed here: {amounts}"


def _late_facts(event: LateFactsBilled, context: Context) -> str:
    left = "; the rest waits for a person's decision" if event.open else ""
    amounts = _amounts(event.lines.values(), context)
    return f"Late facts {_settled_by(event.by)}: {amounts}{in_brackets(event.reason)}{left}"


def _settled_by(by: str) -> str:
    if by == PERSON:
        return "written off by a person"
    if by.startswith(NOTE):
        return f"corrected by credit note {by.removeprefix(NOTE)}"
    return f"billed on {by}"


def _amounts(amounts: Iterable[int], context: Context) -> str:
    all_of_them = list(amounts)
    return f"{context.signed(sum(all_of_them))} in {counted(len(all_of_them), 'line')}"


def _reopened(event: LateFactsReopened, context: Context) -> str:
    return f"Late facts billed on {event.by} are open again: that invoice is void"


def _accepted(event: LateProposalAccepted, context: Context) -> str:
    return (
        f"Late amount of {event.line} will be billed, though the line had been adjusted by hand"
        f"{in_brackets(event.reason)}"
    )


SENTENCES: Sentences = {
    UsageRetracted: _retracted,
    UsageCorrected: _corrected,
    CorrectionReverted: _reverted,
    LateAmountsBilled: _late_amounts,
    LateFactsBilled: _late_facts,
    LateFactsReopened: _reopened,
    LateProposalAccepted: _accepted,
}
