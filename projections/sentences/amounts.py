"""Sentences about amounts: items, credits, discounts, and what people decide."""

from domain.events.amounts import (
    AmountOverridden,
    CreditApplied,
    DiscountEnded,
    DiscountGranted,
    DraftAdopted,
    DraftMissed,
    EditsAdopted,
    HandedOver,
    LineWaived,
    OneOffItemAdded,
)
from domain.quantity import plain
from projections.sentences.wording import Context, Sentences, counted, in_brackets, listed


def _item(event: OneOffItemAdded, context: Context) -> str:
    amount, why = context.money(event.amount), in_brackets(event.reason)
    return f"One-off item {event.item} of {amount} added: {event.description}{why}"


def _applied(event: CreditApplied, context: Context) -> str:
    amount = context.money(event.amount)
    return f"{amount} of credit {event.credit} used{in_brackets(event.reason)}"


def _granted(event: DiscountGranted, context: Context) -> str:
    how = "carried over from the cycle before" if event.carried else "granted"
    prices = f" {listed(event.prices)}" if event.prices else ""
    return (
        f"Discount {event.discount} {how}: {_off(event, context)}{prices},"
        f" {_for_long(event.cycles)}{in_brackets(event.reason)}"
    )


def _off(event: DiscountGranted, context: Context) -> str:
    percent = event.percent
    return f"{context.money(event.amount or 0) if percent is None else f'{plain(percent)}%'} off"


def _for_long(cycles: int | None) -> str:
    if cycles is None:
        return "until it is ended"
    return "on this invoice" if cycles == 1 else f"on {counted(cycles, 'invoice')} from this one on"


def _discount_ended(event: DiscountEnded, context: Context) -> str:
    return f"Discount {event.discount} ended, on this invoice too{in_brackets(event.reason)}"


def _waived(event: LineWaived, context: Context) -> str:
    amount = context.money(event.amount)
    return f"{amount} of {event.line} waived; later usage adds on{in_brackets(event.reason)}"


def _overridden(event: AmountOverridden, context: Context) -> str:
    if event.difference is None:
        then = " for good"
    else:
        then = f", {context.signed(event.difference)}; later usage adds on"
    amount = context.money(event.amount)
    return f"Line {event.line} set to {amount}{then}{in_brackets(event.reason)}"


def _adopted(event: EditsAdopted, context: Context) -> str:
    parts = [f"{key} {context.signed(amount)}" for key, amount in sorted(event.amounts.items())]
    parts += [f"“{line.description}” {context.signed(line.amount)}" for line in event.lines]
    what = listed(parts) if parts else "nothing of others is left on it"
    return f"Changes made to the draft at Stripe taken over: {what}{in_brackets(event.reason)}"


def _draft_adopted(event: DraftAdopted, context: Context) -> str:
    lines = f"{counted(len(event.lines), 'line')} of its own"
    amount = context.money(sum(line.amount for line in event.lines))
    return f"Draft {event.invoice} of {event.subscription} adopted, with {lines} ({amount})"


def _draft_missed(event: DraftMissed, context: Context) -> str:
    why = in_brackets(event.reason)
    return f"{event.invoice} came too late to be adopted; all goes on the next invoice{why}"


def _handed_over(event: HandedOver, context: Context) -> str:
    parts = [f"{context.signed(event.amount)} carried over"] if event.amount else []
    if event.ahead:
        billed = context.money(sum(fee.amount for fee in event.ahead))
        parts.append(f"{counted(len(event.ahead), 'fee')} billed ahead ({billed})")
    if event.levels:
        parts.append(f"{counted(len(event.levels), 'usage level')} to go on from")
    what = listed(parts) if parts else "nothing to take over"
    return f"{event.cycle} settled; it leaves {what}"


SENTENCES: Sentences = {
    OneOffItemAdded: _item,
    CreditApplied: _applied,
    DiscountGranted: _granted,
    DiscountEnded: _discount_ended,
    LineWaived: _waived,
    AmountOverridden: _overridden,
    EditsAdopted: _adopted,
    DraftAdopted: _draft_adopted,
    DraftMissed: _draft_missed,
    HandedOver: _handed_over,
}
