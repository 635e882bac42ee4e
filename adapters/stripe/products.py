"""What lines sell, as products in Stripe's catalogue: one for each item and tax code, by our id."""

import hashlib
import re
from typing import Protocol

import stripe

from adapters.stripe.errors import errors_in_our_words, missing
from application.gateway import StripeRequest
from domain.invoice import Sold

PRODUCTS = "/v1/products"
PREFIX = "cyclebook"
PLAIN = re.compile(r"[A-Za-z0-9_-]{1,80}")
NAME_MAX = 250


def product_id(sold: Sold) -> str:
    """Stripe's id of a product, which we choose: whoever makes it again meets it.

    Another tax code is another product, because what was sold keeps its own.

    >>> product_id(Sold(product="cpu", name="CPU", currency="usd", tax_code="txcd_10103001"))
    'cyclebook_cpu_txcd_10103001'
    """
    item = sold.product
    if not PLAIN.fullmatch(item):
        item = hashlib.sha256(item.encode()).hexdigest()[:32]
    return "_".join(filter(None, [PREFIX, item, sold.tax_code]))


def new_product(sold: Sold) -> StripeRequest:
    """Put what a line sells into Stripe's catalogue.

    Source: https://docs.stripe.com/api/products/create
    """
    form = {"id": product_id(sold), "name": sold.name[:NAME_MAX] or sold.product}
    form |= {"tax_code": sold.tax_code} if sold.tax_code else {}
    return StripeRequest(purpose="product", method="post", endpoint=PRODUCTS, parameters=form)


class ProductMemory(Protocol):
    """Remembers products that Stripe was seen to have, by their ids."""

    def __contains__(self, product: str) -> bool: ...

    def add(self, product: str) -> None:
        """Remember one; perhaps again."""

    def clear(self) -> None:
        """Forget all."""


class KnownProducts:
    """Which products Stripe has. Each is asked for until it is there, and then not any more."""

    def __init__(self, client: stripe.StripeClient, memory: ProductMemory | None) -> None:
        self._products = client.v1.products
        self._known: ProductMemory = set() if memory is None else memory

    def has(self, sold: Sold, *, ask: bool) -> bool:
        """Whether Stripe has the product."""
        known = product_id(sold)
        if known in self._known:
            return True
        if there := ask and self._is_there(known):
            self._known.add(known)
        return there

    def made(self, product: str) -> None:
        """Know one that was just put there."""
        self._known.add(product)

    def forget(self) -> None:
        """Ask for all of them again: somebody deleted one."""
        self._known.clear()

    def _is_there(self, product: str) -> bool:
        with errors_in_our_words():
            try:
                self._products.retrieve(product)
            except stripe.InvalidRequestError as error:
                if missing(error):
                    return False
                raise
        return True
