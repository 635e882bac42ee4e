"""Sentences about reported usage."""

from domain.attribution import FILTERED
from domain.events.usage import HeaderTally, UsageRecorded
from projections.sentences.wording import Context, Sentences, counted, in_brackets

TALLIES_SHOWN_MAX = 5


def _used(event: UsageRecorded, context: Context) -> str:
    parts = [_tally(tally, context) for tally in event.tallies[:TALLIES_SHOWN_MAX]]
    if more := len(event.tallies) - len(parts):
        parts.append(f"and {more} more")
    return f"{counted(len(event.records), 'usage record')}: {'; '.join(parts)}"


def _tally(tally: HeaderTally, context: Context) -> str:
    named = [_named(tally.attachment)] if tally.attachment else []
    named += [f"{name} {value}" for name, value in sorted(tally.dimensions.items()) if value]
    return f"{context.used(tally.meter, tally.quantity)}{in_brackets(', '.join(named))}"


def _named(attachment: str) -> str:
    return "left out by the meter's filter" if attachment == FILTERED else attachment


SENTENCES: Sentences = {UsageRecorded: _used}
