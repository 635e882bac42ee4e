"""What others billed through Stripe: customers and finalized invoices, read and never written.

Sources: https://docs.stripe.com/api/customers/list, https://docs.stripe.com/api/invoices/object
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import stripe

from adapters.stripe.errors import errors_in_our_words, missing
from adapters.stripe.listing import pages
from adapters.stripe.raw import PAGE_MAX, Thing, read, read_all
from adapters.stripe.reading import CYCLE, ORGANIZATION, Json, id_of, instant
from application.importing.ports import FoundCustomer, FoundInvoice
from domain.period import Period
from projections.imported_invoice import ImportedInvoice, ImportedLine, period_of


class StripeElsewhere:
    """The ``BilledElsewhere`` port."""

    def __init__(self, client: stripe.StripeClient) -> None:
        self._client = client

    def customers(self) -> Iterator[Sequence[FoundCustomer]]:
        """Every customer, a hundred a read, newest first."""
        more, after = True, dict[str, str]()
        while more:
            with errors_in_our_words():
                page = read(self._client, "/v1/customers", limit=PAGE_MAX, **after)
            rows = page["data"]
            yield [_customer(row) for row in rows]
            more = bool(page["has_more"] and rows)
            after = {"starting_after": rows[-1]["id"]} if more else {}

    def currency_of(self, customer: str) -> str | None:
        """The newest invoice's, else the newest subscription's, ended ones too; two reads."""
        asked = {"customer": customer, "limit": 1}
        with errors_in_our_words():
            for path, more in (("/v1/invoices", {}), ("/v1/subscriptions", {"status": "all"})):
                for row in read(self._client, path, **asked, **more)["data"]:
                    return str(row["currency"])
        return None

    def invoices(self, start: datetime, end: datetime) -> Iterator[Sequence[FoundInvoice]]:
        """Every invoice made in ``[start, end)``, a hundred a read."""
        for rows in pages(self._client, start, end):
            yield [_glanced(row) for row in rows]

    def invoice(self, invoice: str) -> ImportedInvoice | None:
        """One with all its lines, in one read, or one more for each hundred beyond ten."""
        with errors_in_our_words():
            try:
                found = read(self._client, f"/v1/invoices/{invoice}")
            except stripe.InvalidRequestError as error:
                if missing(error):
                    return None
                raise
            glanced = _glanced(found)
            if glanced.ours or not glanced.final:
                return None
            return _invoice(found, self._lines(found))

    def _lines(self, found: Thing) -> list[Thing]:
        inline = found["lines"]
        if not inline.get("has_more"):
            return list(inline["data"])
        return read_all(self._client, f"/v1/invoices/{found['id']}/lines")


def _customer(customer: Json) -> FoundCustomer:
    return FoundCustomer(
        id=customer["id"],
        created=datetime.fromtimestamp(customer["created"], UTC),
        name=(customer.get("name") or customer.get("description") or "").strip(),
        email=customer.get("email") or None,
        currency=customer.get("currency") or None,
        organization=(customer.get("metadata") or {}).get(ORGANIZATION) or None,
    )


def _glanced(invoice: Json) -> FoundInvoice:
    return FoundInvoice(
        id=invoice["id"],
        customer=id_of(invoice["customer"]),
        final=_issued_at(invoice) is not None,
        ours=bool((invoice.get("metadata") or {}).get(CYCLE)),
        status=invoice["status"],
        amount_paid=invoice.get("amount_paid") or 0,
    )


def _issued_at(invoice: Json) -> datetime | None:
    return instant((invoice.get("status_transitions") or {}).get("finalized_at"))


def _invoice(invoice: Json, rows: Sequence[Json]) -> ImportedInvoice:
    issued_at = _issued_at(invoice)
    assert issued_at is not None  # drafts are left out by the caller
    lines = tuple(map(_line, rows))
    own = _period(invoice["period_start"], invoice["period_end"])
    taxes = invoice.get("total_taxes") or []
    discounts = invoice.get("total_discount_amounts") or []
    return ImportedInvoice(
        id=invoice["id"],
        customer=id_of(invoice["customer"]),
        number=invoice.get("number"),
        status=invoice["status"],
        currency=invoice["currency"],
        period=period_of(own, lines, issued_at),
        issued_at=issued_at,
        subtotal=invoice["subtotal"],
        discount=sum(each["amount"] for each in discounts),
        tax=sum(each["amount"] for each in taxes if each["tax_behavior"] == "exclusive"),
        total=invoice["total"],
        amount_paid=invoice.get("amount_paid") or 0,
        lines=lines,
    )


def _line(line: Json) -> ImportedLine:
    pricing = line.get("pricing") or {}
    details = pricing.get("price_details") or {}
    taxes = line.get("taxes") or []
    return ImportedLine(
        id=line["id"],
        description=line.get("description") or "",
        amount=line["amount"],
        period=_period(line["period"]["start"], line["period"]["end"]),
        product=details.get("product") or None,
        price=id_of(details["price"]) if details.get("price") else None,
        quantity=_quantity(line) if pricing else None,
        proration=_is_proration(line.get("parent") or {}),
        tax=sum(each["amount"] for each in taxes if each["tax_behavior"] == "inclusive"),
    )


def _quantity(line: Json) -> Decimal | None:
    """As it was counted; a line of an amount alone says one, and means nothing by it."""
    said: Any = line.get("quantity_decimal") or line.get("quantity")
    return None if said is None else Decimal(str(said))


def _is_proration(parent: Json) -> bool:
    kinds = ("invoice_item_details", "subscription_item_details")
    return any((parent.get(kind) or {}).get("proration") for kind in kinds)


def _period(start: int, end: int) -> Period:
    return Period(datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC))
