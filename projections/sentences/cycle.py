"""Sentences about a billing cycle's life, and about what is attached in it."""

from domain.events.cycle import (
    ApprovalGiven,
    ApprovalRequested,
    AttachmentQuantityChanged,
    CycleClosed,
    CycleClosing,
    CycleHeld,
    CycleOpened,
    CycleReleased,
    FinalizationStarted,
    PriceCorrected,
    ServiceAttached,
    ServiceDetached,
    ServiceSwapped,
    TrialEnded,
    TrialStarted,
    UnusualLinesFound,
)
from domain.quantity import plain
from projections.sentences.wording import Context, Sentences, because, counted, in_brackets, minute
from projections.unusual import words

CHANGED_BEFORE = ", because the cycle before was changed"
CARRIED_OVER = "carried over from the cycle before"


def _opened(event: CycleOpened, context: Context) -> str:
    part = ""
    if (event.start, event.end) != (event.full_start, event.full_end):
        full = f"{minute(event.full_start)} to {minute(event.full_end)}"
        part = f", part of the full period from {full}"
    return (
        f"Billing cycle {event.cycle} opened, from {minute(event.start)} to {minute(event.end)}, "
        f"in {event.currency.upper()}{part}"
    )


def _attached(event: ServiceAttached, context: Context) -> str:
    how = CARRIED_OVER if event.carried else "attached"
    what = f"{event.name} ({event.attachment}){_times(event)} {how}{_prices(event)}"
    return what + in_brackets(event.reason)


def _swapped(event: ServiceSwapped, context: Context) -> str:
    times, prices = _times(event), _prices(event)
    why = in_brackets(event.reason)
    return f"{event.attachment} is {event.name}{times} from here on{prices}{why}"


def _times(event: ServiceAttached | ServiceSwapped) -> str:
    return "" if event.quantity == 1 else f" × {plain(event.quantity)}"


def _prices(event: ServiceAttached | ServiceSwapped) -> str:
    return f" at {', '.join(event.prices)}" if event.prices else ""


def _quantity(event: AttachmentQuantityChanged, context: Context) -> str:
    why = CHANGED_BEFORE if event.carried else in_brackets(event.reason)
    return f"{event.attachment} counts for {plain(event.quantity)} from here on{why}"


def _detached(event: ServiceDetached, context: Context) -> str:
    why = CHANGED_BEFORE if event.carried else in_brackets(event.reason)
    return f"{event.attachment} detached{why}"


def _on_trial(event: TrialStarted, context: Context) -> str:
    how = f", {CARRIED_OVER}" if event.carried else ""
    until, why = minute(event.until), in_brackets(event.reason)
    return f"{event.attachment} is on trial until {until}: no recurring fees{how}{why}"


def _trial_over(event: TrialEnded, context: Context) -> str:
    why = CHANGED_BEFORE if event.carried else f" before its time{in_brackets(event.reason)}"
    return f"Trial of {event.attachment} ended{why}"


def _repriced(event: PriceCorrected, context: Context) -> str:
    return (
        f"Price {event.wrong} was wrong: what it rated in this cycle is rated by {event.right}"
        f" ({event.reason})"
    )


def _held(event: CycleHeld, context: Context) -> str:
    holder = "a person" if event.kind == "person" else f"its {event.kind}"
    owner = f"; {event.owner} looks into it" if event.owner else ""
    review = f"; to be reviewed by {minute(event.review_at)}" if event.review_at else ""
    return f"Held by {holder}: {event.reason}{owner}{review}"


def _closing(event: CycleClosing, context: Context) -> str:
    how = f"was ended early: {event.reason}" if event.reason else "is over"
    return f"The period {how}; late usage is still taken"


def _approval_requested(event: ApprovalRequested, context: Context) -> str:
    return f"The invoice of {context.money(event.subtotal)} waits for a person's approval"


def _unusual(event: UnusualLinesFound, context: Context) -> str:
    found = (words(line, context.currency) for line in event.lines)
    return f"Unusual: {'; '.join(found)}"


def _settled(event: FinalizationStarted, context: Context) -> str:
    lines = counted(len(event.lines), "line")
    why = in_brackets(event.reason)
    return f"Invoice settled at {context.money(event.subtotal)} in {lines}{why}"


SENTENCES: Sentences = {
    CycleOpened: _opened,
    ServiceAttached: _attached,
    ServiceSwapped: _swapped,
    AttachmentQuantityChanged: _quantity,
    ServiceDetached: _detached,
    TrialStarted: _on_trial,
    TrialEnded: _trial_over,
    PriceCorrected: _repriced,
    CycleHeld: _held,
    CycleReleased: lambda event, _: f"Released{because(event.reason)}",
    CycleClosing: _closing,
    CycleClosed: lambda event, _: "Usage cut off",
    ApprovalRequested: _approval_requested,
    ApprovalGiven: lambda event, _: f"Invoice approved{because(event.reason)}",
    UnusualLinesFound: _unusual,
    FinalizationStarted: _settled,
}
