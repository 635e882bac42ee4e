"""What people add to invoices or take off, as it is said, and what of it can be used."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from domain.errors import InvalidInput
from domain.events.amounts import DiscountGranted
from domain.money import exponent, step
from domain.pricing.fields import identifier
from domain.quantity import fits
from domain.text import written

REASON_MAX = 400
AMOUNT_MAX = 99_999_999
"""Stripe's own limit of an amount, in minor units."""
CYCLES_MAX = 1_200


@dataclass(frozen=True, kw_only=True, slots=True)
class NewItem:
    """A one-off amount to be added, in minor units, above zero."""

    item: str
    description: str
    amount: int
    currency: str
    reason: str
    tax_code: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewCredit:
    """An amount to be taken off coming invoices, in minor units, above zero."""

    credit: str
    amount: int
    currency: str
    reason: str
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewDiscount:
    """Something to come off invoices: ``percent`` or ``amount``, for ``cycles`` or until ended."""

    discount: str
    reason: str
    percent: Decimal | None = None
    amount: int | None = None
    prices: tuple[str, ...] = ()
    cycles: int | None = None


def discount_from(new: NewDiscount, at: datetime) -> DiscountGranted:
    """A discount whose fields can be used.

    Raises:
        InvalidInput: a field cannot be used; ``field`` names it.
    """
    identifier(new.discount, "discount")
    if (new.percent is None) == (new.amount is None):
        raise InvalidInput("say either percent or amount", field="percent")
    if new.percent is not None and not (0 < new.percent <= 100 and fits(new.percent)):
        raise InvalidInput("percent must be above 0 and at most 100", field="percent")
    if new.amount is not None and not 0 < new.amount <= AMOUNT_MAX:
        raise bad_amount(None, 1)
    if new.cycles is not None and not 1 <= new.cycles <= CYCLES_MAX:
        raise InvalidInput(f"cycles must be from 1 to {CYCLES_MAX}", field="cycles")
    return DiscountGranted(
        at=at,
        discount=new.discount,
        reason=reason_of(new.reason),
        percent=new.percent,
        amount=new.amount,
        prices=tuple(sorted(set(new.prices))),
        cycles=new.cycles,
    )


def reason_of(text: str) -> str:
    """A reason as people write it, in one line.

    Raises:
        InvalidInput: there is none, or it is too long.
    """
    return written(text, "reason", REASON_MAX)


def reason_if_any(text: str) -> str:
    """The same, where a reason may be left out; empty where it is.

    Raises:
        InvalidInput: it is too long.
    """
    return reason_of(text) if text else ""


def check_amount(amount: int, currency: str) -> None:
    """Refuse an amount, in minor units, that a currency cannot have.

    Raises:
        InvalidInput: it is not above zero, too much, or between two steps of the currency.
    """
    exponent(currency)
    if not 0 < amount <= AMOUNT_MAX or amount % step(currency):
        raise bad_amount(currency, 1)


def bad_amount(currency: str | None, lowest: int) -> InvalidInput:
    """What is said of an amount that cannot be used. lowest: in minor units."""
    unit = step(currency) if currency else 1
    multiple = f", a multiple of {unit}" if unit > 1 else ""
    return InvalidInput(
        f"amount must be whole minor units from {lowest} to {AMOUNT_MAX}{multiple}", field="amount"
    )
