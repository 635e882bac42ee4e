"""Another program that bills through Stripe, by the real SDK: what an import and a shadow meet."""

from datetime import datetime
from typing import Any, cast

import stripe


class Biller:
    """Makes customers, invoices them, and has them finalized. Amounts in minor units."""

    def __init__(self, client: stripe.StripeClient) -> None:
        self._v1 = client.v1

    def customer(self, name: str = "Acme", **more: Any) -> str:
        fields: Any = {"name": name, "email": "ada@acme.example", **more}
        return self._v1.customers.create(fields).id

    def price(self, product: str, unit_amount: str, currency: str = "usd") -> str:
        """A price of a product, which is made with it; Stripe's id."""
        self._v1.products.create({"id": product, "name": product.title()})
        terms: Any = {"product": product, "currency": currency, "unit_amount_decimal": unit_amount}
        return self._v1.prices.create(terms).id

    def draft(
        self, customer: str, *lines: dict[str, Any], currency: str = "usd", **fields: Any
    ) -> str:
        """A draft with lines, a hundred a call."""
        fields |= {"customer": customer, "currency": currency}
        made = self._v1.invoices.create(cast(Any, fields)).id
        for first in range(0, len(lines), 100):
            rows: Any = {"lines": list(lines[first : first + 100])}
            self._v1.invoices.add_lines(made, rows)
        return made

    def bill(self, customer: str, *lines: dict[str, Any], currency: str = "usd") -> str:
        """A finalized invoice."""
        made = self.draft(customer, *lines, currency=currency)
        self._v1.invoices.finalize_invoice(made)
        return made

    def subscribe(self, customer: str, product: str, amount: int, currency: str) -> None:
        """A monthly price from now on."""
        self._v1.products.create({"id": product, "name": product.title()})
        price: Any = {
            "product": product,
            "currency": currency,
            "unit_amount": amount,
            "recurring": {"interval": "month"},
        }
        self._v1.subscriptions.create({"customer": customer, "items": [{"price_data": price}]})

    def pay(self, invoice: str) -> None:
        self._v1.invoices.pay(invoice)

    def void(self, invoice: str) -> None:
        self._v1.invoices.void_invoice(invoice)


def line(description: str, amount: int, start: datetime, end: datetime) -> dict[str, Any]:
    """A line of an amount for a time."""
    return {"description": description, "amount": amount, "period": _period(start, end)}


def priced(price: str, quantity: str, start: datetime, end: datetime) -> dict[str, Any]:
    """A line of so many units of a price."""
    row = {"pricing": {"price": price}, "quantity_decimal": quantity}
    return {**row, "period": _period(start, end)}


def _period(start: datetime, end: datetime) -> dict[str, int]:
    return {"start": int(start.timestamp()), "end": int(end.timestamp())}
