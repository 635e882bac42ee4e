"""Sentences about a case: what was reported, what support did about it, what was said."""

from domain.events.case import (
    CaseAcknowledged,
    CaseCommented,
    CaseReopened,
    CaseReported,
    CaseResolved,
)
from projections.sentences.wording import Context, Sentences, in_brackets, listed, minute

FOUND = {
    "explained": "the bill is explained",
    "corrected": "the bill was corrected",
    "credited": "a credit was given",
    "not_a_problem": "the bill is as it should be",
}
"""What support found, by the kind of a resolution."""


def _reported(event: CaseReported, context: Context) -> str:
    seen = f" as seen at {minute(event.known_at)}"
    by = " for the customer" if event.by == "support" else ""
    if event.cycle is None:
        return f"A problem was reported{by}{seen}"
    money = Context(currency=event.currency or context.currency).money
    if event.line is not None:
        at = f" at {money(event.amount)}" if event.amount is not None else ""
        return f"A problem was reported{by} with {event.line} of {event.cycle}{at},{seen}"
    at = f" at {money(event.total)}" if event.total is not None else ""
    return f"A problem was reported{by} with {event.cycle}{at},{seen}"


def _commented(event: CaseCommented, context: Context) -> str:
    if event.visibility == "internal":
        return "Support left a note that the customer does not see"
    return "The customer wrote" if event.by == "customer" else "Support wrote"


def _resolved(event: CaseResolved, context: Context) -> str:
    done = [
        *([f"credit {event.credit}"] if event.credit else []),
        *([event.cycle] if event.cycle else []),
        *([f"event {event.position}"] if event.position is not None else []),
    ]
    what = FOUND.get(event.kind, event.kind)
    return f"The problem is resolved: {what}{in_brackets(listed(done) if done else '')}"


SENTENCES: Sentences = {
    CaseReported: _reported,
    CaseAcknowledged: lambda event, _: "Support looks into it",
    CaseCommented: _commented,
    CaseResolved: _resolved,
    CaseReopened: lambda event, _: (
        "The customer reopened the problem"
        if event.by == "customer"
        else "Support reopened the problem"
    ),
}
