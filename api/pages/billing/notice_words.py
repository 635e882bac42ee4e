"""Notices in a customer's words."""

from collections.abc import Callable, Mapping
from typing import Any

from api.pages.words import money
from application.notices import Told

Data = Mapping[str, Any]
Words = Callable[[Data], str]


def notice_words(told: Told) -> str:
    """A notice as one sentence."""
    return WORDS[told.kind](told.data)


def _invoice(data: Data, *, begins: bool = True) -> str:
    """What an invoice is called. begins: whether the sentence begins with it."""
    number = data.get("number") or data["invoice"].get("number")
    words = f"Invoice {number}" if number else "Your invoice"
    return words if begins else words[:1].lower() + words[1:]


def _money(data: Data, name: str = "amount") -> str:
    currency = data.get("currency") or data["invoice"]["currency"]
    return money(data.get(name), currency)


def _failed(data: Data) -> str:
    reason = str(data["reason"]).strip().rstrip(".")
    why = f": {reason}" if reason else ""
    return f"A payment of {_invoice(data, begins=False)} did not go through{why}."


def _disputed(data: Data) -> str:
    if data["status"] == "opened":
        return f"Your bank looks into a payment of {_money(data)}."
    return "Your bank has decided about a payment."


def _voided(data: Data) -> str:
    then = " A corrected one follows." if data["mode"] == "reissue" else ""
    return f"{_invoice(data)} was taken back.{then}"


WORDS: Mapping[str, Words] = {
    "invoice.upcoming": lambda data: "A billing period ends within days.",
    "invoice.issued": lambda data: f"{_invoice(data)} was issued over {_money(data, 'total')}.",
    "invoice.paid": lambda data: f"{_invoice(data)} is paid: {_money(data)}. Thank you.",
    "invoice.past_due": lambda data: f"{_invoice(data)} was not paid by its due date.",
    "invoice.payment_failed": _failed,
    "invoice.action_required": lambda data: (
        f"Your bank asks you to confirm the payment of {_invoice(data, begins=False)}."
    ),
    "invoice.credited": lambda data: f"{_money(data)} credited on {_invoice(data, begins=False)}.",
    "invoice.refunded": lambda data: f"{_money(data)} paid back to you.",
    "invoice.refund_failed": lambda data: (
        f"A refund of {_money(data)} did not arrive; we pay it back another way."
    ),
    "invoice.disputed": _disputed,
    "invoice.voided": _voided,
    "alert.reached": lambda data: (
        f"Your alert “{data['alert']}” was reached: {_money(data)} of {_money(data, 'threshold')}."
    ),
    "case.reported": lambda data: "A problem was reported.",
    "case.acknowledged": lambda data: "We are looking into a problem you reported.",
    "case.commented": lambda data: (
        "You wrote about a problem you reported."
        if data["by"] == "customer"
        else "We wrote about a problem you reported."
    ),
    "case.resolved": lambda data: "We answered a problem you reported.",
    "case.reopened": lambda data: "A reported problem is open again.",
    "trouble.noticed": lambda data: (
        "Our payment provider's copy of your bill is behind. We are on it; you need do nothing."
    ),
    "trouble.over": lambda data: "Our payment provider's copy of your bill is up to date again.",
}
"""By kind, every one that customers see."""
